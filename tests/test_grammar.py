"""The grammar: every term that can be written down reads back, every error points at its column."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsearch.errors import QueryError, QueryUnknownConcept
from localsearch.pack.vocabulary import HEADER, Vocabulary
from localsearch.records import STATES
from localsearch.search.grammar import parse
from localsearch.search.terms import (
    Box,
    Camera,
    Concept,
    Ids,
    Like,
    Near,
    Not,
    PathTerm,
    State,
    Sum,
    Tag,
    Taken,
    Term,
    Text,
    all_of,
    any_of,
    box,
    camera,
    concept,
    ids,
    like,
    metadata,
    near,
    path,
    state,
    tag,
    taken,
    text,
)

NAMES = (
    *("dog", "cat", "golden retriever", "retriever", "gold", "T-shirt", "rock and roll", "crane"),
    *("crane (bird)", "bell or wind chime"),
)
VOCABULARY = Vocabulary(
    "\n".join(
        ["\t".join(HEADER)]
        + [
            f"n{index:08d}\t{name}\tsyn {index}\t\tclass:{index}\t"
            for index, name in enumerate(NAMES)
        ]
    )
)
DOG, CAT = concept("dog"), concept("cat")


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("dog", DOG),
        ("  dog\n", DOG),
        ("dog cat", DOG & CAT),
        ("dog and cat", DOG & CAT),
        ("dog AND cat Or dog", (DOG & CAT) | DOG),
        ("dog -cat", DOG & ~CAT),
        ("dog not cat", DOG & ~CAT),
        ("not not dog", ~~DOG),
        ("-(dog or cat)", ~(DOG | CAT)),
        ("- dog", ~DOG),
        ("dog (cat or tag:pet)", DOG & (CAT | tag("pet"))),
        ("(dog)(cat)", DOG & CAT),
        ("((dog))", DOG),
        ("dog>=0.8", concept("dog", at_least=0.8)),
        ("dog >= .5 cat", concept("dog", at_least=0.5) & CAT),
        ("concept:dog>=1", concept("dog", at_least=1.0)),
        ('"golden retriever">=0.2', text("golden retriever", min_score=0.2)),
        ("CONCEPT:dog", DOG),
        ("T-shirt", concept("T-shirt")),
        ("tag:x=false tag:y=True", tag("x", value=False) & tag("y")),
        ('tag:"a b"="false"', tag("a b", value=False)),
        ('tag:"and"', tag("and")),
        ("tag:or", tag("or")),
        ("id:a,b", ids(["a", "b"])),
        ('id:"a,b",-c', ids(["a,b", "-c"])),
        ("path:2024/**/*.jpg", path("2024/**/*.jpg")),
        ('path:"a, b/*",root=card', path("a, b/*", root="card")),
        ("state:undecodable", state("undecodable")),
        ('like:"my file.jpg"', like("my file.jpg")),
        (r'like:"C:\a\"', like("C:\\a\\")),
        ("like:C:/a.jpg>=0.5", like("C:/a.jpg", min_score=0.5)),
        ("-like-id:x>=0", ~like(id="x", min_score=0.0)),
        ('tag:"say ""hi"""', tag('say "hi"')),
        ("tag:größe=false", tag("größe", value=False)),
        ('like:"a,b.jpg",region=0.1:0.2:0.6:0.9', like("a,b.jpg", region=(0.1, 0.2, 0.6, 0.9))),
        ("like-id:x,region=0:0:.5:1>=0.3", like(id="x", region=(0, 0, 0.5, 1), min_score=0.3)),
        ("like:a.jpg,region=0:0:1:1", like("a.jpg")),
        ('text:"at night"', text("at night")),
        ("text:night>=0.5 dog", text("night", min_score=0.5) & DOG),
        ("-text:night>=0.5", ~text("night", min_score=0.5)),
        ('dog "running  through snow"', DOG & text("running through snow")),
        ("camera:canon", camera("canon")),
        ('camera:"iPhone 12"', camera("iPhone 12")),
        ("near:48.1,11.6,5km", near(lat=48.1, lon=11.6, km=5)),
        ("near:-33.9,151.2,500m", near(lat=-33.9, lon=151.2, km=0.5)),
        ("-near:-33.9,-70,1e-3KM dog", ~near(lat=-33.9, lon=-70, km=0.001) & DOG),
        ("box:47.9,11.3,48.3,11.8", box(south=47.9, west=11.3, north=48.3, east=11.8)),
        ("(box:-18,177,-16,-179)", box(south=-18, west=177, north=-16, east=-179)),
        ("taken:2024", taken("2024")),
        ("taken:2024-05", taken(after="2024-05-01", before="2024-06-01")),
        ("taken:2024-05-01T10:30", taken("2024-05-01T10:30")),
        ("taken:2024-05-01..2024-06-15", taken(after="2024-05-01", before="2024-06-16")),
        ("taken:2024..", taken(after="2024")),
        ("taken:..2024-02", taken(before="2024-03")),
        ("taken:after=2024-05,before=2025", taken(after="2024-05", before="2025")),
        ("taken:before=2025", taken(before="2025")),
        ("metadata:album=home", metadata({"album": "home"})),
        ("metadata:a.b=1,a.c=-2.50", metadata({"a": {"b": 1.0, "c": -2.5}})),
        ('metadata:a="1"', metadata({"a": "1"})),
        ("metadata:a=true,b=null,c=007", metadata({"a": True, "b": None, "c": "007"})),
        ('metadata:"a.b"=x', metadata({"a.b": "x"})),
        ('metadata:"{""a"":[1,{""b"":""x y""}]}"', metadata({"a": [1, {"b": "x y"}]})),
        ("metadata:a=2024-05-01", metadata({"a": "2024-05-01"})),
        ("sum(like:a)", like("a") * 1),
        ("SUM( 0.6 * like:a+b.jpg )>=.5", (0.6 * like("a+b.jpg")).reaching(0.5)),
        (
            'sum(0.6*like:"beach.jpg" + 0.4*text:"at night" - 0.2*text:people)>=0.5',
            (0.6 * like("beach.jpg") + 0.4 * text("at night") - 0.2 * text("people")).reaching(0.5),
        ),
        (
            'sum(-like-id:x,region=0:0:1:.5 +"at night")',
            -like(id="x", region=(0, 0, 1, 0.5)) + text("at night"),
        ),
        (
            "-sum(like:a - 1e-3*text:b)>=0.5 dog",
            ~(like("a") - 1e-3 * text("b")).reaching(0.5) & DOG,
        ),
    ],
)
def test_readings(text: str, term: Term) -> None:
    assert parse(text) == term
    assert parse(str(term)) == term


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("golden retriever", concept("golden retriever")),
        ("golden retriever dog", concept("golden retriever") & DOG),
        ("dog golden retriever>=0.5 cat", DOG & concept("golden retriever", at_least=0.5) & CAT),
        ("-golden retriever cat", ~concept("golden retriever") & CAT),
        ("gold retriever", concept("gold") & concept("retriever")),
        ("golden  retriever or Syn 1", concept("golden retriever") | concept("Syn 1")),
        ("golden_retriever n00000000", concept("golden_retriever") & concept("n00000000")),
        ("gold and dog", concept("gold") & DOG),
        ('"golden retriever">=0.2', concept("golden retriever", at_least=0.2)),
        ('"golden retriever in snow">=0.2', text("golden retriever in snow", min_score=0.2)),
        ('text:"golden retriever"', text("golden retriever")),
        ('sum("golden retriever" + like:a)', text("golden retriever") + like("a")),
        ('"rock and roll" dog', concept("rock and roll") & DOG),
        ("rock and roll dog", concept("rock and roll") & DOG),
        ("dog or rock  and roll>=0.5", DOG | concept("rock and roll", at_least=0.5)),
        ("crane (bird) cat", concept("crane (bird)") & CAT),
        ("crane (dog)", concept("crane") & DOG),
        ("(crane (bird))", concept("crane (bird)")),
        ("-bell or wind chime", ~concept("bell or wind chime")),
        ("cat or dog", CAT | DOG),
        ("gold -retriever", concept("gold") & ~concept("retriever")),
        ("gold tag:golden retriever", concept("gold") & tag("golden") & concept("retriever")),
    ],
)
def test_bare_words_join_to_the_longest_name(text: str, term: Term) -> None:
    assert parse(text, VOCABULARY) == term


class Known:
    """What a text part knows, word by word."""

    def knows(self, text: str) -> bool:
        known = " a the in and with two dogs playing snow sunset red at of beach "
        return all(f" {word} " in known for word in text.lower().split())

    def says_nothing(self, text: str) -> bool:
        return all(word in ("a", "the", "in", "at", "of") for word in text.lower().split())


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("dog", DOG),
        ("dog cat", DOG & CAT),
        ("dog and cat", DOG & CAT),
        ("golden retriever cat>=0.5", concept("golden retriever") & concept("cat", at_least=0.5)),
        ("two dogs playing in the snow", text("two dogs playing in the snow")),
        ("two  dogs\tplaying", text("two dogs playing")),
        ("Sunset", text("Sunset")),
        ("dogs", text("dogs")),
        ("two dogs>=0", text("two dogs", min_score=0)),
        ("the dog in the snow >= 0.5", text("the dog in the snow", min_score=0.5)),
        ("two golden retriever dgo", text("two golden retriever dgo")),
        ("dog and two cats", text("dog and two cats")),
        ("two dogs or cat", text("two dogs") | CAT),
        ("two dogs tag:pet cat", text("two dogs") & tag("pet") & CAT),
        ("two dogs (cat or dog)", text("two dogs") & (CAT | DOG)),
        ("two dogs sum(like:a)", text("two dogs") & like("a") * 1),
        ('two dogs "golden retriever"', text("two dogs") & concept("golden retriever")),
        ("two dogs -cat", text("two dogs") & ~CAT),
        ("two dogs without cats", text("two dogs") & ~CAT),
        ("two dogs and no cat", text("two dogs") & ~CAT),
        ("two dogs but not a golden retriever", text("two dogs") & ~concept("golden retriever")),
        ("dog with no cats", DOG & ~CAT),
        ("dog with two cats", text("dog with two cats")),
        ("no cats", ~CAT),
        ("without any cat in the snow", ~CAT & text("in the snow")),
        ("not golden retrievers", ~concept("golden retriever")),
        ("-dogs", ~DOG),
        ("no bell or wind chimes", ~concept("bell or wind chime")),
        ("dog no cat", DOG & ~CAT),
        ("not not dog", ~~DOG),
        ("-(cat or two dogs>=0.5)", ~(CAT | text("two dogs", min_score=0.5))),
        ("rock and roll", concept("rock and roll")),
        ("two rock and roll", text("two rock and roll")),
    ],
)
def test_words_that_name_no_concept_are_free_text(text: str, term: Term) -> None:
    assert parse(text, VOCABULARY, Known()) == term
    assert parse(str(term)) == term


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("dgo", 1, "no concept 'dgo'"),
        ("cat dgo", 5, "no concept 'dgo'"),
        ("cat and dgo or cat", 9, "no concept 'dgo'"),
        ("two dogs without dgo", 18, "no concept 'dgo'"),
        ("two dogs -dgos", 11, "no concept 'dgos'"),
        ("-sunset", 2, "no concept 'sunset'"),
        ("the", 1, "says nothing"),
        ("dog or in the", 8, "says nothing"),
        ("two dogs without", 17, 'after "without"'),
        ("no", 3, 'after "no"'),
        ("two dogs and", 13, 'after "and"'),
        ("two dogs, cat", 9, "expected a term"),
        ("not (two dogs)", 1, "min_score"),
        ("two dogs x:y", 10, "no field x:"),
    ],
)
def test_errors_in_free_text_point_at_their_column(text: str, column: int, says: str) -> None:
    with pytest.raises(QueryError, match=re.escape(says)) as caught:
        parse(text, VOCABULARY, Known())
    assert caught.value.column == column


@given(
    st.lists(
        st.sampled_from(
            (
                *("two", "dogs", "snow", "the", "in", "and", "or", "not", "no", "without", "but"),
                *("with", "a", "cat", "golden", "retriever", "dgo", "-", "(", ")", ">=0.5"),
                *("tag:x", ",", "rock", "roll"),
            )
        ),
        max_size=9,
    ).map(" ".join)
)
@settings(max_examples=400, deadline=None)
def test_any_words_are_a_term_or_a_query_error_within_them(text: str) -> None:
    try:
        term = parse(text, VOCABULARY, Known())
    except QueryError as error:
        assert error.column is not None and 1 <= error.column <= len(text) + 1
    else:
        assert parse(str(term)) == term


def test_without_a_vocabulary_each_word_stands_alone() -> None:
    assert parse("golden retriever") == concept("golden") & concept("retriever")


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("", 1, "empty"),
        ("   ", 1, "empty"),
        ("dog or", 7, "expected a term, found the end"),
        ("or dog", 1, "expected a term"),
        ("dog and and cat", 9, "expected a term"),
        ("(dog", 5, 'expected a ")"'),
        ("dog)", 4, "expected a term or the end"),
        ("()", 2, "expected a term"),
        ("dog -", 6, "expected a term"),
        ("dog, cat", 4, "expected a term, found ','"),
        ('tag:"abc', 5, "closing double quote"),
        ("tag:", 5, "expected a value right after tag:"),
        ("tag: x", 5, "expected a value right after tag:"),
        ("tag:x=maybe", 5, "expected true or false"),
        ("tag:x,y", 7, "expected one value"),
        ("tag:x>=0.5", 1, "takes no >="),
        ('tag:" "', 5, "not empty"),
        ("id:a,", 6, 'expected a value right after ","'),
        ("id:a=b", 4, "expected one value"),
        ("path:a,b", 8, "expected root=NAME"),
        ("dog state:great", 11, "no state 'great'"),
        ("dog>=2", 6, "expected a number from 0 to 1, found '2'"),
        ("dog>=x", 6, "expected a number from 0 to 1, found 'x'"),
        ("dog>=", 6, "expected a number from 0 to 1"),
        ("dog>=nan", 6, "expected a number"),
        ("dog>0.5", 4, "expected a term, found '>'"),
        ("dog colour:red", 5, "no field colour:"),
        ("dog -like:a.jpg", 5, "min_score"),
        ("dog -text:a", 5, "min_score"),
        ('dog not "a b"', 5, "min_score"),
        ("dog -sum(like:a)", 5, "min_score"),
        ('dog ""', 5, "not empty"),
        ('text:" "', 6, "not empty"),
        ("text:a,b", 8, "expected one value"),
        ("like:a,b", 8, "expected region="),
        ("like:a,region", 8, "expected region="),
        ("like:a,region=0:0:1:1,region=0:0:1:1", 23, "expected region="),
        ("like:a,region=0:0:1", 8, "expected four numbers"),
        ("like:a,region=0:0:1:x", 8, "expected four numbers"),
        ("like:a,region=0:0:1:2", 6, "from 0 to 1"),
        ("like:a,region=0.5:0:0.5:1", 6, "ends right of"),
        ("near:48,11", 9, "near: takes latitude"),
        ("near:48,11,5", 12, "expected a distance"),
        ("near:x,11,5km", 6, "number"),
        ("near:48,11x,5km", 9, "number"),
        ("near:98,11,5km", 6, "the latitude is a number from -90 to 90"),
        ("near:48,11,-5km", 12, "more than nothing"),
        ("near:48,11,5km>=0.5", 1, "takes no >="),
        ("box:1,2,3", 9, "box: takes south"),
        ("box:1,2,3,y", 11, "number"),
        ("box:3,2,1,4", 9, "above its south"),
        ("taken:May", 7, "is a date"),
        ("taken:2024-13", 7, "there is no"),
        ("taken:2024-05..2024-04", 7, "ends before it begins"),
        ("taken:..", 7, "needs a date"),
        ("taken:2024,2025", 7, "expected after= or before="),
        ("taken:since=2024", 7, "expected after= or before="),
        ("dog camera:a,b", 14, "expected one value"),
        ("metadata:album", 10, "JSON"),
        ('metadata:"{}"', 10, "at least one key"),
        ('metadata:"[1]"', 10, "mapping"),
        ("metadata:a=1,b", 14, "KEY=VALUE"),
        ("metadata:a=1,a=2", 14, "given twice"),
        ("metadata:a.b=1,a=2", 16, "given twice"),
        ("metadata:a=1,a.b=2", 14, "given twice"),
        ("metadata:a..b=2", 10, "cannot be read as a key"),
        ("metadata:a=1>=0.5", 1, "takes no >="),
        ("sum()", 5, "expected like:"),
        ("sum(dog)", 5, "expected like:"),
        ("sum(tag:a)", 5, "expected like:"),
        ("sum(sum(like:a))", 5, "expected like:"),
        ("sum(like:a", 11, 'for the "sum(" in column 1'),
        ("sum(like:a text:b)", 12, 'expected "+", "-"'),
        ("sum(like:a + )", 14, "expected like:"),
        ("sum(0.5 like:a)", 9, 'expected "*"'),
        ("sum(0.5*like:a+0.4*text:b)", 14, "white space around"),
        ("sum(like:a>=0.5 + text:b)", 11, "takes no >="),
        ("dog sum(1e999*like:a)", 5, "a weight"),
        ("sum(like:a)>=2", 14, "from 0 to 1"),
        ("(" * 200, 101, "at most 100 levels"),
        ("-" * 200 + "dog", 101, "at most 100 levels"),
    ],
)
def test_errors_point_at_their_column(text: str, column: int, says: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.column == column
    assert says in caught.value.message and f"(column {column})" in caught.value.message


def test_an_unknown_field_lists_the_known_ones() -> None:
    with pytest.raises(QueryError) as caught:
        parse("color:red")
    fields = "concept tag like like-id text id path state metadata taken near box camera"
    for field in fields.split():
        assert f" {field}," in f" {caught.value.hint.replace(';', ',')}"


@pytest.mark.parametrize(
    ("text", "column"),
    [("dgo", 1), ("cat -dgo", 6), ("tag:x concept:dgo>=0.5", 15), ("cat and dgo or cat", 9)],
)
def test_an_unknown_concept_gets_the_nearest_names(text: str, column: int) -> None:
    with pytest.raises(QueryUnknownConcept) as caught:
        parse(text, VOCABULARY)
    assert caught.value.column == column and "dog" in caught.value.hint


def test_the_nearest_names_know_of_the_next_word() -> None:
    with pytest.raises(QueryUnknownConcept) as caught:
        parse("cat golden retreiver dog", VOCABULARY)
    assert caught.value.column == 5 and "mean golden retriever" in caught.value.hint


# Every character that a name may hold, with those that the grammar gives a meaning often.
TEXTS = st.text(
    st.one_of(st.sampled_from('" -+.,()=<>:\\*/\n\täß漢'), st.characters()), min_size=1, max_size=12
).filter(str.strip)
# Values that look like something else: a number, a keyword, the next term of a sum.
VALUES = TEXTS | st.sampled_from(
    ("1", "-1.5", "true", "null", "and", "sum(", "a+text:b", "a-0.4*like:b", "..", "2024-05", "{}")
)
UNIT = st.floats(0, 1)
FLOORS = st.none() | UNIT
KEYS = st.sampled_from(("a", "album", "a.b", "two words", "größe", '"', "")) | st.text(max_size=4)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | VALUES.filter(lambda text: text.isprintable()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
DATES = st.datetimes().map(lambda moment: moment.replace(microsecond=0))
LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)


@st.composite
def regions(draw: st.DrawFn) -> tuple[float, float, float, float] | None:
    sides = [sorted(draw(st.lists(UNIT, min_size=2, max_size=2, unique=True))) for _ in range(2)]
    (left, right), (top, bottom) = sides
    return draw(st.none() | st.just((left, top, right, bottom)))


@st.composite
def taken_terms(draw: st.DrawFn) -> Taken:
    first, last = sorted(draw(st.lists(DATES, min_size=2, max_size=2, unique=True)))
    length = draw(st.sampled_from((4, 7, 10, 13, 16, 19)))
    text = f"{first:%Y-%m-%dT%H:%M:%S}".rjust(19, "0")[:length]
    made = draw(
        st.sampled_from((Taken(first, None), Taken(None, last), Taken(first, last), taken(text)))
    )
    assert isinstance(made, Taken)
    return made


def likes(floors: st.SearchStrategy[float | None]) -> st.SearchStrategy[Like]:
    return st.one_of(
        st.builds(lambda *a: Like(a[0], min_score=a[1], region=a[2]), VALUES, floors, regions()),
        st.builds(lambda *a: Like(id=a[0], min_score=a[1], region=a[2]), VALUES, floors, regions()),
    )


def visual(floors: st.SearchStrategy[float | None]) -> st.SearchStrategy[Term]:
    weights = st.floats(allow_nan=False, allow_infinity=False)
    parts = st.tuples(weights, likes(st.none()) | st.builds(Text, VALUES))
    sums = st.builds(Sum, st.lists(parts, min_size=1, max_size=4).map(tuple), floors)
    return likes(floors) | st.builds(Text, VALUES, floors) | sums


LEAVES = st.one_of(
    st.builds(Concept, VALUES, UNIT),
    st.builds(Tag, VALUES, st.booleans()),
    st.builds(Ids, st.lists(VALUES, min_size=1, max_size=3).map(tuple)),
    st.builds(PathTerm, VALUES, st.none() | VALUES),
    st.builds(State, st.sampled_from(STATES)),
    st.builds(metadata, st.dictionaries(KEYS, JSON, min_size=1, max_size=3)),
    taken_terms(),
    st.builds(Near, LATITUDES, LONGITUDES, st.floats(0, 30_000, exclude_min=True)),
    st.builds(
        lambda south, north, west, east: Box(min(south, north), west, max(south, north), east),
        *(LATITUDES, LATITUDES, LONGITUDES, LONGITUDES),
    ),
    st.builds(Camera, VALUES),
    visual(UNIT),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=3).map(all_of),
        st.lists(inner, min_size=2, max_size=3).map(any_of),
    ),
    max_leaves=8,
)
LOOSE = visual(st.none())  # may stand under no NOT


@given(TREES | LOOSE)
@settings(max_examples=300, deadline=None)
def test_what_a_term_prints_parses_back(term: Term) -> None:
    assert parse(str(term)) == term
    assert hash(parse(str(term))) == hash(term)


PIECES = (
    *("sum(", "0.5*", "like:", "like-id:", "text:", "region=", "0:0:1:.5", "+", "-", ">=0.5"),
    *("near:", "48.1,", "-11,", "5km", "500m", "box:", "taken:", "2024-05", "..", "after="),
    *("metadata:", "a.b=", "null", '"{""a"":[1]}"', "camera:", "state:ok", "1e999", "concept:"),
    *("(", ")", " ", " ", '"', ",", "=", ":", "*", "and", "or", "not ", "dog", "٣", "\0"),
)


@given(
    st.text(st.one_of(st.sampled_from('" -,()=<>:ado tgr'), st.characters()), max_size=30)
    | st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
)
@settings(max_examples=600, deadline=None)
def test_any_text_is_a_term_or_a_query_error_within_it(text: str) -> None:
    try:
        term = parse(text)
    except QueryError as error:
        assert error.column is not None and 1 <= error.column <= len(text) + 1
    else:
        assert parse(str(term)) == term
