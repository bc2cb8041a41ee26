"""Terms: how they combine, what they refuse, what they print. No search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localsearch.errors import InputError, QueryError
from localsearch.search.terms import (
    And,
    Concept,
    Ids,
    Like,
    Not,
    Or,
    PathTerm,
    Tag,
    all_of,
    any_of,
    concept,
    ids,
    leaves_of,
    like,
    path,
    state,
    tag,
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
        lambda: path("a", root=""),
        lambda: state("great"),
        lambda: ids(["a", 7]),  # type: ignore[list-item]
        lambda: like(),
        lambda: like("a.jpg", id="b"),
        lambda: like(id=7),  # type: ignore[arg-type]
        lambda: like(base64=b"x"),  # type: ignore[arg-type]
        lambda: like("a.jpg", min_score=2),
    ],
)
def test_unusable_arguments(make: Any) -> None:
    with pytest.raises(InputError):
        make()


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
    assert ~like("a.jpg", min_score=0.5) == Not(Like("a.jpg", min_score=0.5))


def test_leaves_stand_from_left_to_right() -> None:
    assert list(leaves_of((A | ~(B & C)) & A)) == [A, B, C, A]


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
    ],
)
def test_text(term: Any, text: str) -> None:
    assert str(term) == text
