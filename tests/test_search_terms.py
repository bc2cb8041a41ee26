"""Terms: how they combine, what they refuse, what they print. No search."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from localsearch.errors import InputError, QueryError
from localsearch.search.terms import (
    VISUAL,
    And,
    Concept,
    Ids,
    Like,
    Metadata,
    Not,
    Or,
    PathTerm,
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
    leaves_of,
    like,
    metadata,
    near,
    path,
    state,
    tag,
    taken,
    text,
)

A, B, C = concept("a"), tag("b"), path("c/**")


def test_operators_build_flat_trees() -> None:
    assert A & B & C == And((A, B, C)) == A & (B & C) == And((And((A, B)), C))
    assert A | B | C == Or((A, B, C)) == A | (B | C)
    assert Or((And((A, B)), C)) == (A & B | C)
    assert Not(A) == ~A and Not(Not(A)) == ~~A
    assert hash(A & B) == hash(And((A, B))) and A & B != B & A


def test_one_term_is_itself_and_none_is_refused() -> None:
    assert all_of([A]) is A and any_of([A]) is A
    assert all_of([A, B]) == A & B and any_of([A, B]) == A | B
    for make in (all_of, any_of, And, Or):
        with pytest.raises(InputError):
            make(())


def test_only_terms_combine() -> None:
    with pytest.raises(TypeError):
        A & "b"  # type: ignore[operator]
    with pytest.raises(InputError, match="parse"):
        And((A, "b"))  # type: ignore[arg-type]
    with pytest.raises(InputError):
        Not("b")  # type: ignore[arg-type]


def test_python_and_is_refused_rather_than_misread() -> None:
    with pytest.raises(InputError, match="truth value"):
        bool(A and B)


@pytest.mark.parametrize(
    "make",
    [
        lambda: concept(""),
        lambda: concept("  "),
        lambda: concept(7),  # type: ignore[arg-type]
        lambda: concept("a", at_least=1.01),
        lambda: concept("a", at_least=-0.1),
        lambda: concept("a", at_least=float("nan")),
        lambda: concept("a", at_least=True),
        lambda: tag("a", value=1),  # type: ignore[arg-type]
        lambda: tag(""),
        lambda: path(""),
        lambda: path("\ud800*"),
        lambda: path("a", root=""),
        lambda: state("great"),
        lambda: ids(["a", 7]),  # type: ignore[list-item]
        lambda: like(),
        lambda: like("a.jpg", id="b"),
        lambda: like(id=7),  # type: ignore[arg-type]
        lambda: like(base64=b"x"),  # type: ignore[arg-type]
        lambda: like("a.jpg", min_score=2),
        lambda: like("a.jpg", region=(0, 0, 1)),
        lambda: like("a.jpg", region="0:0:1:1"),  # type: ignore[arg-type]
        lambda: like("a.jpg", region=(0, 0, 1, 1.1)),
        lambda: like("a.jpg", region=(0, float("nan"), 1, 1)),
        lambda: like("a.jpg", region=(0.5, 0, 0.5, 1)),
        lambda: like("a.jpg", region=(0, 0.9, 1, 0.1)),
        lambda: text(""),
        lambda: text("a", min_score=-1),
        lambda: Sum(()),
        lambda: Sum(((1.0, concept("a")),)),  # type: ignore[arg-type]
        lambda: Sum(((1.0, like("a") * 2),)),  # type: ignore[arg-type]
        lambda: float("inf") * like("a"),
        lambda: True * like("a"),
        lambda: "2" * like("a"),  # type: ignore[operator]
        lambda: 1e308 * (1e308 * like("a")),
        lambda: (like("a") + text("b")).reaching(1.5),
        lambda: camera(" "),
        lambda: near(lat=91, lon=0, km=1),
        lambda: near(lat=0, lon=181, km=1),
        lambda: near(lat=0, lon=0, km=-1),
        lambda: near(lat=0, lon=0, km=float("inf")),
        lambda: near(lat="48", lon=0, km=1),  # type: ignore[arg-type]
        lambda: near(lat=10**400, lon=0, km=1),
        lambda: box(south=1, west=0, north=0, east=1),
        lambda: box(south=0, west=-190, north=0, east=1),
        lambda: taken(),
        lambda: taken("2024", after="2024"),
        lambda: taken("May 2024"),
        lambda: taken("2024-5"),
        lambda: taken("2024-02-30"),
        lambda: taken("2024-05-01T24"),
        lambda: taken("0000"),
        lambda: taken("٢٠٢٤"),
        lambda: taken(2024),  # type: ignore[arg-type]
        lambda: taken(".."),
        lambda: taken("2024..2023"),
        lambda: taken(after="2024", before="2024-01-01"),
        lambda: taken(datetime(2024, 5, 1, tzinfo=UTC)),
        lambda: metadata({}),
        lambda: metadata([1]),  # type: ignore[arg-type]
        lambda: metadata({"a": float("nan")}),
        lambda: metadata({"a": {1, 2}}),
        lambda: metadata({"a": "\ud800"}),
        lambda: metadata(nested(200)),
        lambda: metadata(nested(100_000)),
        lambda: Metadata("[]"),
        lambda: Metadata('{"a": NaN}'),
        lambda: Metadata('{"a": 1e999}'),
        lambda: Metadata("{"),
        lambda: Metadata('{"a":' * 100_000),
    ],
)
def test_unusable_arguments(make: Any) -> None:
    with pytest.raises(InputError):
        make()


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(depth):
        document = {"a": document}
    return document


def test_an_unknown_state_names_the_known_ones() -> None:
    with pytest.raises(InputError) as caught:
        state("broken")
    assert "undecodable" in caught.value.hint


def test_one_id_is_not_taken_for_its_letters() -> None:
    assert ids("abc") == Ids(("abc",)) != ids(["a", "b", "c"])


def test_sources_of_like() -> None:
    assert like("a/b.jpg") == like(Path("a/b.jpg")) != like("a/c.jpg")
    assert like(b"jpeg") == like(data=b"jpeg") == like(data=bytearray(b"jpeg"))
    assert like("x") != like(id="x") != like(base64="x")
    assert like("x", min_score=0.5) != like("x") and hash(like("x")) == hash(like(Path("x")))
    array, other = [1], [1]  # equal, but two pictures
    assert like(array) == like(array) != like(other)


def test_not_of_a_like_needs_a_threshold() -> None:
    with pytest.raises(QueryError, match="min_score"):
        ~like("a.jpg")
    with pytest.raises(QueryError, match="min_score"):
        ~(A | (B & like("a.jpg")))
    with pytest.raises(QueryError, match="min_score"):
        ~text("a")
    with pytest.raises(QueryError, match="min_score"):
        ~(A | (like("a.jpg") - text("a")))
    assert ~like("a.jpg", min_score=0.5) == Not(Like("a.jpg", min_score=0.5))
    floor = (like("a") - text("b")).reaching(0.0)
    assert ~floor == Not(floor)


def test_leaves_stand_from_left_to_right() -> None:
    mixed = (like("a") + text("b")).reaching(0.5)
    assert list(leaves_of((A | ~(B & C & mixed)) & A)) == [A, B, C, mixed, A]
    assert all(isinstance(each, VISUAL) for each in (like("a"), text("a"), mixed))


@pytest.mark.parametrize(
    ("term", "text"),
    [
        (concept("dog"), "concept:dog"),
        (concept("golden retriever", at_least=0.8), 'concept:"golden retriever">=0.8'),
        (Concept("a", at_least=1), "concept:a>=1.0"),
        (Tag("pet"), "tag:pet"),
        (Tag('6" tall', value=False), 'tag:"6"" tall"=false'),
        (Ids(("a", "b c")), 'id:a,"b c"'),
        (PathTerm("2024/**/*.jpg", "home"), "path:2024/**/*.jpg,root=home"),
        (state("not-on-this-disk"), "state:not-on-this-disk"),
        (like(r"C:\new\a b.jpg"), r'like:"C:\new\a b.jpg"'),
        (like(id="my-cat", min_score=0.0), "like-id:my-cat>=0.0"),
        (like(data=b"123"), "like:<3 bytes>"),
        (A & ~(B | C), "concept:a -(tag:b or path:c/**)"),
        ((A & B) | ~C, "concept:a tag:b or -path:c/**"),
        ((A | B) & C, "(concept:a or tag:b) path:c/**"),
        (~~A, "--concept:a"),
        (like("a b", region=(0, 0.25, 0.5, 1)), 'like:"a b",region=0:0.25:0.5:1'),
        (like("a-text:b"), 'like:"a-text:b"'),
        (text("at  night"), 'text:"at night"'),
        (Text("a", 0.5), "text:a>=0.5"),
        (like("a") - 0.25 * text("b c"), 'sum(like:a - 0.25*text:"b c")'),
        ((-like(id="a")).reaching(1), "sum(-like-id:a)>=1.0"),
        (camera("iPhone 12"), 'camera:"iPhone 12"'),
        (near(lat=-33.9, lon=151.2, km=5), "near:-33.9,151.2,5km"),
        (box(south=-1, west=177.5, north=0, east=-180), "box:-1,177.5,0,-180"),
        (taken("2024-05"), "taken:2024-05"),
        (taken(after="2024-05-01T00", before="2025"), "taken:after=2024-05,before=2025"),
        (taken("..2024-05-01T10:30"), "taken:before=2024-05-01T10:31"),
        (metadata({"b": 1.0, "a": {"c": "x"}}), "metadata:a.c=x,b=1"),
        (metadata({"a": "1", "b": "x y"}), 'metadata:a="1",b="x y"'),
        (metadata({"a": [1, None]}), 'metadata:"{""a"":[1,null]}"'),
        (metadata({"a.b": True}), 'metadata:"{""a.b"":true}"'),
    ],
)
def test_text(term: Any, text: str) -> None:
    assert str(term) == text


def test_weights_build_one_flat_sum() -> None:
    a, b, c = like("a"), text("b"), like(id="c", region=(0, 0, 0.5, 1))
    assert 0.6 * a + 0.4 * b - 0.2 * c == Sum(((0.6, a), (0.4, b), (-0.2, c)))
    assert a + b == Sum(((1.0, a), (1.0, b))) == sum([a, b])
    assert 2 * (a - 0.5 * b) == Sum(((2.0, a), (-1.0, b)))
    assert a - (b - c) == Sum(((1.0, a), (-1.0, b), (1.0, c)))
    assert -a == Sum(((-1.0, a),)) != a
    assert np.float32(0.5) * a == np.float64(0.5) * a == a * np.int64(1) * 0.5
    assert (a + b).reaching(0.5) == Sum(((1.0, a), (1.0, b)), 0.5) != a + b
    assert (a + b).reaching(0.5).reaching(None) == a + b
    assert hash(a + b) == hash(a + b) and len({a + b, a + b, b + a}) == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: 0.5 * A,
        lambda: B + like("a"),
        lambda: like("a") - C,
        lambda: like("a") + 1,
        lambda: -(A & B),
        lambda: 0.5 * ~A,
        lambda: like("a", min_score=0.5) * 0.5,
        lambda: text("a", min_score=0.5) + like("a"),
        lambda: (like("a") + text("b")).reaching(0.5) + text("c"),
    ],
)
def test_only_visual_leaves_take_weights(make: Callable[[], Term]) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert "like() and text()" in caught.value.hint or "of the whole" in caught.value.hint


def test_a_region_that_is_the_whole_is_none() -> None:
    assert like("a", region=(0, 0, 1, 1)) == like("a") != like("a", region=(0, 0, 1, 0.999))
    assert like("a", region=[0, 0, np.float32(0.5), 1]) == Like("a", region=(0.0, 0.0, 0.5, 1.0))


@pytest.mark.parametrize(
    ("when", "after", "before"),
    [
        ("2024", "2024-01-01T00:00:00", "2025-01-01T00:00:00"),
        ("2024-02", "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
        ("2024-12", "2024-12-01T00:00:00", "2025-01-01T00:00:00"),
        ("2024-02-29", "2024-02-29T00:00:00", "2024-03-01T00:00:00"),
        ("2024-12-31T23", "2024-12-31T23:00:00", "2025-01-01T00:00:00"),
        ("2024-05-01 10:59", "2024-05-01T10:59:00", "2024-05-01T11:00:00"),
        ("2024-05-01T10:59:59", "2024-05-01T10:59:59", "2024-05-01T11:00:00"),
        ("9999-12-31", "9999-12-31T00:00:00", None),
        ("2024-05-01..2024-06-15", "2024-05-01T00:00:00", "2024-06-16T00:00:00"),
        ("2023..2023-02", "2023-01-01T00:00:00", "2023-03-01T00:00:00"),
        ("2023..", "2023-01-01T00:00:00", None),
        ("..2023", None, "2024-01-01T00:00:00"),
        (date(2024, 5, 1), "2024-05-01T00:00:00", "2024-05-02T00:00:00"),
        (datetime(2024, 5, 1, 10, 0, 0, 999), "2024-05-01T10:00:00", "2024-05-01T10:00:01"),
    ],
)
def test_a_date_means_the_span_that_it_names(when: Any, after: Any, before: Any) -> None:
    assert taken(when) == Taken(after, before)


def test_the_ends_of_taken_are_first_moments() -> None:
    assert taken(after="2024-05", before=date(2025, 1, 1)) == Taken(
        "2024-05-01T00:00:00", "2025-01-01T00:00:00"
    )
    assert taken(after="2024") == Taken("2024", None)
    assert taken(before="2024") == Taken(None, "2024-01-01T00:00:00")


def test_metadata_that_are_equal_are_one_term() -> None:
    assert metadata({"a": 1, "b": [2]}) == metadata(OrderedDict(b=(2.0,), a=1.0))
    assert metadata({"a": -0.0}) == metadata({"a": 0}) != metadata({"a": False})
    assert metadata({"a": 1}) != metadata({"a": True}) != metadata({"a": "true"})
    assert Metadata('{ "b": 1e2, "a": "\\u00e4" }') == Metadata('{"a":"ä","b":100}')
    assert metadata({"a": 10**20}) == metadata({"a": 1e20})
    assert hash(metadata({"a": 1})) == hash(metadata({"a": 1.0}))
    assert Metadata('{"a":{"b":1}}').mapping() == {"a": {"b": 1}}
