"""Where the reading of a query stands, and the small things that can be read there.

Moves forwards only, but for a look ahead that is taken back. Knows no term.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from localsearch.deferred import dataclass
from localsearch.errors import InputError, QueryError
from localsearch.search.words import BARE, number_of, query_error

WORD: Final = re.compile(r"[^\s\"(),=<>:]+")
"""A word of a name, or `and`, `or`, `not`."""

_SPACE: Final = re.compile(r"\s*")
_STRING: Final = re.compile(r'"((?:[^"]|"")*)"')
# Far above what anyone writes, far below Python's own recursion limit.
_DEEPEST: Final = 100


class Names(Protocol):
    """What is asked of a vocabulary (`pack.vocabulary.Vocabulary` is one)."""

    def knows(self, name_or_id: str) -> bool:
        """Whether there is a concept of that name, synonym or id."""

    def find(self, name_or_id: str) -> object:
        """The concept; QueryUnknownConcept with the nearest names."""

    def nearest(self, name: str) -> tuple[str, ...]:
        """Names that look like it, best first."""


class Words(Protocol):
    """What is asked of the text part of a pack (`pack.text.Words` is one)."""

    def knows(self, text: str) -> bool:
        """Whether each word of a text is one that the pack can picture."""

    def says_nothing(self, text: str) -> bool:
        """Whether a text holds no word but such as "the" and "of"."""


@dataclass(slots=True, eq=False, repr=False)
class Cursor:
    """Where the reading stands. `position` counts from 0, columns from 1."""

    text: str
    names: Names | None
    words: Words | None = None
    position: int = 0
    depth: int = 0

    @property
    def column(self) -> int:
        """Where the next character stands, counted from 1."""
        return self.position + 1

    @property
    def here(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.position : self.position + 1]

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What matches here, read; None, and nothing read, where it does not."""
        match = pattern.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
        return match

    def take_text(self, text: str) -> bool:
        """Whether just this text stands here; then it is read."""
        if not self.text.startswith(text, self.position):
            return False
        self.position += len(text)
        return True

    def take_keyword(self, keyword: str) -> bool:
        """Whether a word stands here by itself, in upper or lower case; then it is read."""
        match = WORD.match(self.text, self.position)
        if match is None or match[0].lower() != keyword or self.text[match.end() :][:1] == ":":
            return False
        self.position = match.end()
        return True

    def at_keyword(self, keyword: str) -> bool:
        """Whether a word stands here by itself; nothing is read."""
        start = self.position
        found = self.take_keyword(keyword)
        self.position = start
        return found

    def skip(self) -> None:
        """Read white space."""
        self.take(_SPACE)

    def take_string(self) -> str:
        """A text in double quotes, which begins here."""
        column = self.column
        match = self.take(_STRING)
        if match is None:
            raise query_error(
                "expected a closing double quote for this one",
                column,
                hint='a double quote inside is doubled: "5"" lens"',
            )
        return match[1].replace('""', '"')

    def take_floor(self) -> float | None:
        """`>= number`, with or without spaces around it; None where there is none."""
        start = self.position
        self.skip()
        if not self.take_text(">="):
            self.position = start
            return None
        self.skip()
        column = self.column
        number = self.take(BARE)
        if number is None:
            raise self.expected("a number from 0 to 1 after >=")
        return number_of(number[0], column)

    def expected(self, what: str, *, hint: str = "") -> QueryError:
        """The error where something else should stand here."""
        found = repr(self.here) if self.here else "the end"
        return query_error(f"expected {what}, found {found}", self.column, hint=hint)

    @contextmanager
    def deeper(self, column: int) -> Iterator[None]:
        """One level of brackets or NOT, which began in `column`."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise query_error(f"expected at most {_DEEPEST} levels of brackets and NOT", column)
        yield
        self.depth -= 1


@contextmanager
def pointing_at(column: int) -> Iterator[None]:
    """Turns what a term refuses into an error of the query that points at a column."""
    try:
        yield
    except InputError as error:
        raise query_error(error.message, column, hint=error.hint) from error
