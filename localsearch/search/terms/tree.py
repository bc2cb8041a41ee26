"""What combines terms: `And`, `Or`, `Not`, and the operators that make them.

Knows no leaf. Invariant: `And` and `Or` are flat and hold at least two terms; no leaf that every
photo matches to some degree stands under a `Not`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, NoReturn

from localsearch.deferred import dataclass
from localsearch.errors import InputError, QueryError


class Term:
    """Base of all terms. Combine with `&`, `|` and `~`; `str(term)` is its text."""

    __slots__ = ()
    __array_ufunc__: ClassVar[None] = None  # a weight of numpy leaves the product to the term

    @property
    def boundless(self) -> bool:
        """Whether every photo matches to some degree, so that `~` would leave none."""
        return False

    def __and__(self, other: Term) -> Term:
        return And((self, other)) if isinstance(other, Term) else NotImplemented

    def __or__(self, other: Term) -> Term:
        return Or((self, other)) if isinstance(other, Term) else NotImplemented

    def __invert__(self) -> Term:
        return Not(self)

    def __bool__(self) -> bool:
        # `a and b` would silently drop a: the mistake is common, so it is told.
        raise InputError("a term has no truth value", hint="combine terms with &, | and ~")


class Unweighted(Term):
    """Base of all terms but the visual ones: weights and sums are refused, and the way out told."""

    __slots__ = ()

    def _unweighted(self, other: object = None) -> NoReturn:
        raise InputError(
            f"{self} takes no weight and is no part of a sum",
            hint="only like() and text() can be weighted; combine other terms with &, | and ~",
        )

    __mul__ = __rmul__ = __add__ = __radd__ = __sub__ = __rsub__ = __neg__ = _unweighted


@dataclass(frozen=True, slots=True)
class And(Unweighted):
    """All of the terms; nested ones are taken apart."""

    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", tuple(_flat(self.terms, And)))

    def __str__(self) -> str:
        return " ".join(f"({each})" if isinstance(each, Or) else str(each) for each in self.terms)


@dataclass(frozen=True, slots=True)
class Or(Unweighted):
    """Any of the terms; nested ones are taken apart."""

    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", tuple(_flat(self.terms, Or)))

    def __str__(self) -> str:
        return " or ".join(str(each) for each in self.terms)


@dataclass(frozen=True, slots=True)
class Not(Unweighted):
    """The rest of the universe. Every visual leaf below needs a `min_score`, else QueryError."""

    term: Term

    def __post_init__(self) -> None:
        if not isinstance(self.term, Term):
            raise InputError(f"not a term: {self.term!r}")
        for leaf in leaves_of(self.term):
            if leaf.boundless:
                raise QueryError(
                    f"NOT of {leaf} needs a min_score: every photo is like it to some degree",
                    hint="say how alike is too alike: min_score=0.8, or in a text >=0.8 after it",
                )

    def __str__(self) -> str:
        inner = str(self.term)
        return f"-({inner})" if isinstance(self.term, And | Or) else f"-{inner}"


def all_of(terms: Iterable[Term]) -> Term:
    """`And` of one or more terms; one is itself. InputError if there is none."""
    found = tuple(terms)
    return found[0] if len(found) == 1 else And(found)


def any_of(terms: Iterable[Term]) -> Term:
    """`Or` of one or more terms; one is itself. InputError if there is none."""
    found = tuple(terms)
    return found[0] if len(found) == 1 else Or(found)


def leaves_of(term: Term) -> Iterator[Term]:
    """All leaves of a tree, from left to right, those under a `Not` too; a sum is one leaf."""
    if isinstance(term, And | Or):
        for each in term.terms:
            yield from leaves_of(each)
    elif isinstance(term, Not):
        yield from leaves_of(term.term)
    else:
        yield term


def _flat(terms: Iterable[Term], kind: type[And] | type[Or]) -> list[Term]:
    flat: list[Term] = []
    for each in terms:
        if not isinstance(each, Term):
            raise InputError(f"not a term: {each!r}", hint="a text becomes one by parse(text)")
        flat.extend(each.terms if isinstance(each, kind) else (each,))
    if len(flat) < 2:
        raise InputError(f"{kind.__name__} needs at least two terms")
    return flat
