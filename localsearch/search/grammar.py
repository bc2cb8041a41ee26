"""The one grammar of queries: text -> term. The command line, the page and `parse` share it.

    query  = all { "or" all }
    all    = one { ["and"] one }
    one    = ( "-" | "not" ) one | "(" query ")" | leaf
    leaf   = field ":" item { "," item } [ ">=" number ]
           | word { word } [ ">=" number ]            as many words as name one concept
           | string [ ">=" number ]
    item   = value [ "=" value ]
    value  = string | bare

A string stands in double quotes, a quote inside is doubled. `and`, `or` and `not` are the only
words with a meaning of their own. What a field means stands in its clause; this room knows only
how leaves are combined. It never searches. Invariant: every error is a QueryError whose `column`
(from 1) points at what could not be read and whose message says what was expected.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Protocol

from localsearch.errors import InputError, QueryError, QueryUnknownConcept
from localsearch.search.clauses import FIELDS
from localsearch.search.terms import Concept, Not, Term, all_of, any_of
from localsearch.search.words import BARE, Item, Written, number_of, query_error

_SPACE = re.compile(r"\s*")
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]*):")
_WORD = re.compile(r"[^\s\"(),=<>:]+")
_STRING = re.compile(r'"((?:[^"]|"")*)"')
_KEYWORDS: Final = frozenset({"and", "or", "not"})
# The longest names of WordNet have some seven words.
_LONGEST_NAME: Final = 8
# Far above what anyone writes, far below Python's own recursion limit.
_DEEPEST: Final = 100


class Names(Protocol):
    """What is asked of a vocabulary (`pack.vocabulary.Vocabulary` is one)."""

    def knows(self, name_or_id: str) -> bool:
        """Whether there is a concept of that name, synonym or id."""

    def find(self, name_or_id: str) -> object:
        """The concept; QueryUnknownConcept with the nearest names."""


@dataclass(slots=True)
class _Cursor:
    """Where the reading stands. `position` counts from 0, columns from 1."""

    text: str
    names: Names | None
    position: int = 0
    depth: int = 0

    @property
    def column(self) -> int:
        return self.position + 1

    @property
    def here(self) -> str:
        return self.text[self.position : self.position + 1]

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
        return match

    def take_text(self, text: str) -> bool:
        if not self.text.startswith(text, self.position):
            return False
        self.position += len(text)
        return True

    def take_keyword(self, keyword: str) -> bool:
        match = _WORD.match(self.text, self.position)
        if match is None or match[0].lower() != keyword or self.text[match.end() :][:1] == ":":
            return False
        self.position = match.end()
        return True

    def skip(self) -> None:
        self.take(_SPACE)

    def expected(self, what: str, *, hint: str = "") -> QueryError:
        found = repr(self.here) if self.here else "the end"
        return query_error(f"expected {what}, found {found}", self.column, hint=hint)


def parse(text: str, vocabulary: Names | None = None) -> Term:
    """The term that `text` means.

    With a vocabulary (of a pack), bare words are joined to the longest run that names a concept,
    and unknown names raise QueryUnknownConcept with the nearest ones. Without one, each bare
    word and each quoted text is taken for the name of a concept, to be looked up by the search.
    Raises QueryError with the column, InputError if `text` is no `str`.
    """
    if not isinstance(text, str):
        raise InputError(f"a query is a text or a term, not {type(text).__name__}")
    cursor = _Cursor(text, vocabulary)
    cursor.skip()
    if not cursor.here:
        raise query_error("the query is empty", 1, hint="for instance: dog -indoor")
    term = _query(cursor)
    if cursor.here:
        raise cursor.expected("a term or the end")
    return term


def _query(cursor: _Cursor) -> Term:
    branches = [_all(cursor)]
    while cursor.take_keyword("or"):
        branches.append(_all(cursor))
    return any_of(branches)


def _all(cursor: _Cursor) -> Term:
    terms = _one(cursor)
    while True:
        cursor.skip()
        if cursor.take_keyword("and"):
            terms += _one(cursor)
        elif cursor.here in ("", ")") or _at_or(cursor):
            return all_of(terms)
        else:
            terms += _one(cursor)


def _at_or(cursor: _Cursor) -> bool:
    start = cursor.position
    found = cursor.take_keyword("or")
    cursor.position = start
    return found


def _one(cursor: _Cursor) -> list[Term]:
    """One operand; a run of bare words may name several concepts, hence a list."""
    cursor.skip()
    column = cursor.column
    if cursor.take_text("-") or cursor.take_keyword("not"):
        return _negated(cursor, column)
    if cursor.take_text("("):
        return [_group(cursor, column)]
    field = cursor.take(_FIELD)
    if field is not None:
        return [_leaf(cursor, field[1], column)]
    if cursor.here == '"':
        name = _string(cursor)
        return [_named(cursor, name, _floor(cursor) or 0.0, column, quoted=True)]
    return _words(cursor)


def _negated(cursor: _Cursor, column: int) -> list[Term]:
    _deeper(cursor, column)
    first, *others = _one(cursor)
    cursor.depth -= 1
    try:
        return [Not(first), *others]
    except QueryError as error:
        raise query_error(error.message, column, hint=error.hint) from error


def _group(cursor: _Cursor, column: int) -> Term:
    _deeper(cursor, column)
    term = _query(cursor)
    cursor.depth -= 1
    if not cursor.take_text(")"):
        raise cursor.expected(f'a ")" for the "(" in column {column}')
    return term


def _deeper(cursor: _Cursor, column: int) -> None:
    cursor.depth += 1
    if cursor.depth > _DEEPEST:
        raise query_error(f"expected at most {_DEEPEST} levels of brackets and NOT", column)


def _leaf(cursor: _Cursor, field: str, column: int) -> Term:
    clause = FIELDS.get(field.lower())
    if clause is None:
        raise query_error(
            f"no field {field}:",
            column,
            hint=f"the fields are {', '.join(FIELDS)}; put other text in double quotes",
        )
    items = [_item(cursor, f"a value right after {field}:")]
    while cursor.take_text(","):
        items.append(_item(cursor, 'a value right after ","'))
    written = Written(field.lower(), tuple(items), _floor(cursor), column)
    try:
        term = clause.read(written)
    except InputError as error:  # a value that the term itself does not take
        raise query_error(error.message, items[0].column, hint=error.hint) from error
    if isinstance(term, Concept):
        _known(cursor, term.name, items[0].column)
    return term


def _item(cursor: _Cursor, what: str) -> Item:
    column = cursor.column
    value = _value(cursor, what)
    second = _value(cursor, 'a value right after "="') if cursor.take_text("=") else None
    return Item(value, second, column)


def _value(cursor: _Cursor, what: str) -> str:
    if cursor.here == '"':
        return _string(cursor)
    bare = cursor.take(BARE)
    if bare is None:
        raise cursor.expected(what, hint="put double quotes around spaces and signs")
    return bare[0]


def _string(cursor: _Cursor) -> str:
    column = cursor.column
    match = cursor.take(_STRING)
    if match is None:
        raise query_error("expected a closing double quote for this one", column)
    return match[1].replace('""', '"')


def _floor(cursor: _Cursor) -> float | None:
    """`>= number`, with or without spaces around it."""
    start = cursor.position
    cursor.skip()
    if not cursor.take_text(">="):
        cursor.position = start
        return None
    cursor.skip()
    column = cursor.column
    number = cursor.take(BARE)
    if number is None:
        raise cursor.expected("a number from 0 to 1 after >=")
    return number_of(number[0], column)


def _words(cursor: _Cursor) -> list[Term]:
    """A run of bare words: as few concepts as they can be read as, longest name first."""
    run, floor = _run(cursor)
    terms: list[Term] = []
    while run:
        taken = _longest(cursor.names, [word for word, _ in run])
        name, column = " ".join(word for word, _ in run[:taken]), run[0][1]
        run = run[taken:]
        terms.append(_named(cursor, name, 0.0 if run else floor, column, quoted=False))
    return terms


def _run(cursor: _Cursor) -> tuple[list[tuple[str, int]], float]:
    run: list[tuple[str, int]] = []
    while True:
        start, column = cursor.position, cursor.column
        word = None if _starts_otherwise(cursor) else cursor.take(_WORD)
        if word is None:
            cursor.position = start
            break
        run.append((word[0], column))
        floor = _floor(cursor)
        if floor is not None:
            return run, floor
        cursor.skip()
    if not run:
        raise cursor.expected("a term")
    return run, 0.0


def _starts_otherwise(cursor: _Cursor) -> bool:
    """Whether a NOT, a field or a keyword stands here, and no bare word."""
    word = _WORD.match(cursor.text, cursor.position)
    return (
        word is None
        or word[0].startswith("-")
        or word[0].lower() in _KEYWORDS
        or _FIELD.match(cursor.text, cursor.position) is not None
    )


def _longest(names: Names | None, words: list[str]) -> int:
    """How many of the first words name one concept; 1 if none does (the look-up then tells)."""
    if names is not None:
        for count in range(min(len(words), _LONGEST_NAME), 1, -1):
            if names.knows(" ".join(words[:count])):
                return count
    return 1


def _named(cursor: _Cursor, name: str, floor: float, column: int, *, quoted: bool) -> Term:
    try:
        term = Concept(name, floor)
    except InputError as error:
        raise query_error(error.message, column) from error
    if quoted and cursor.names is not None and not cursor.names.knows(name):
        raise query_error(
            f'no concept is named "{name}", and this pack has no text part for free text',
            column,
            hint="`localsearch concepts` lists the names",
        )
    _known(cursor, name, column)
    return term


def _known(cursor: _Cursor, name: str, column: int) -> None:
    if cursor.names is None:
        return
    try:
        cursor.names.find(name)
    except QueryUnknownConcept as error:
        raise QueryUnknownConcept(
            f"{error.message} (column {column})", hint=error.hint, column=column
        ) from error
