"""The grammar: every term that can be written down reads back, every error points at its column."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsearch.errors import QueryError, QueryUnknownConcept
from localsearch.pack.vocabulary import HEADER, Vocabulary
from localsearch.records import STATES
from localsearch.search.grammar import parse
from localsearch.search.terms import (
    Concept,
    Ids,
    Like,
    Not,
    PathTerm,
    State,
    Tag,
    Term,
    all_of,
    any_of,
    concept,
    ids,
    like,
    path,
    state,
    tag,
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
        ('"golden retriever">=0.2', concept("golden retriever", at_least=0.2)),
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
        ('"golden retriever"', concept("golden retriever")),
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
    for field in ("concept", "tag", "like", "like-id", "id", "path", "state"):
        assert field in caught.value.hint


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


def test_free_text_is_told_that_it_comes_later() -> None:
    with pytest.raises(QueryError, match="no text part") as caught:
        parse('dog "running through snow"', VOCABULARY)
    assert caught.value.column == 5 and not isinstance(caught.value, QueryUnknownConcept)


# Every character that a name may hold, with those that the grammar gives a meaning often.
TEXTS = st.text(
    st.one_of(st.sampled_from('" -,()=<>:\\*/\n\täß漢'), st.characters()), min_size=1, max_size=12
).filter(str.strip)
UNIT = st.floats(0, 1)
LEAVES = st.one_of(
    st.builds(Concept, TEXTS, UNIT),
    st.builds(Tag, TEXTS, st.booleans()),
    st.builds(Ids, st.lists(TEXTS, min_size=1, max_size=3).map(tuple)),
    st.builds(PathTerm, TEXTS, st.none() | TEXTS),
    st.builds(State, st.sampled_from(STATES)),
    st.builds(lambda source, floor: Like(source, min_score=floor), TEXTS, UNIT),
    st.builds(lambda name, floor: Like(id=name, min_score=floor), TEXTS, UNIT),
)
LOOSE = st.builds(lambda source: Like(source), TEXTS)  # may stand under no NOT
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=3).map(all_of),
        st.lists(inner, min_size=2, max_size=3).map(any_of),
    ),
    max_leaves=8,
)


@given(TREES | LOOSE)
@settings(max_examples=300, deadline=None)
def test_what_a_term_prints_parses_back(term: Term) -> None:
    assert parse(str(term)) == term
    assert hash(parse(str(term))) == hash(term)


@given(st.text(st.one_of(st.sampled_from('" -,()=<>:ado tgr'), st.characters()), max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_term_or_a_query_error_within_it(text: str) -> None:
    try:
        term = parse(text)
    except QueryError as error:
        assert error.column is not None and 1 <= error.column <= len(text) + 1
    else:
        assert parse(str(term)) == term
