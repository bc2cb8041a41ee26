"""The one grammar of queries: text -> term. The command line, the page and `parse` share it.

    query  = all { "or" all }
    all    = one { ["and"] one }
    one    = ( "-" | "not" ) one | "(" query ")" | leaf
    leaf   = field ":" item { "," item } [ ">=" number ]
           | word { word } [ ">=" number ]            as many words as name one concept
           | string [ ">=" number ]                   a concept's name
    item   = value [ "=" value ]
    value  = string | bare

A string stands in double quotes, a quote inside is doubled. `and`, `or` and `not` are the only
words with a meaning of their own; within a longer name ("mortar and pestle") they have none. What
a field means stands in its clause; this room knows only how leaves are combined. It never
searches. Invariant: every error is a QueryError whose `column` (from 1) points at what could not
be read and whose message says what was expected.
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
_PIECE = re.compile(r"\s*(?:[^\s\"(),=<>:-][^\s\"(),=<>:]*|\([^()\"]*\))(?![^\s\"(),=<>:]*:)")
_STRING = re.compile(r'"((?:[^"]|"")*)"')
# What asks for a term after it, at the end of what was read.
_JOINT = re.compile(r"(?:^|(?<=[\s()\"]))(and|or|not|-)\s*\Z", re.IGNORECASE)
# The longest names of WordNet have some seven words.
_LONGEST_NAME: Final = 8
# Nearest names in a message: more is no help.
_SHOWN: Final = 5
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
    terms = [_one(cursor)]
    while True:
        cursor.skip()
        if not cursor.take_keyword("and") and (cursor.here in ("", ")") or _at_or(cursor)):
            return all_of(terms)
        terms.append(_one(cursor))


def _at_or(cursor: _Cursor) -> bool:
    start = cursor.position
    found = cursor.take_keyword("or")
    cursor.position = start
    return found


def _one(cursor: _Cursor) -> Term:
    cursor.skip()
    column = cursor.column
    if cursor.take_text("-") or cursor.take_keyword("not"):
        return _negated(cursor, column)
    if cursor.take_text("("):
        return _group(cursor, column)
    field = cursor.take(_FIELD)
    if field is not None:
        return _leaf(cursor, field[1], column)
    if cursor.here == '"':
        return _quoted(cursor, column)
    return _words(cursor, column)


def _negated(cursor: _Cursor, column: int) -> Term:
    _deeper(cursor, column)
    term = _one(cursor)
    cursor.depth -= 1
    try:
        return Not(term)
    except QueryError as error:  # a like without a threshold
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


def _quoted(cursor: _Cursor, column: int) -> Term:
    """A text in quotes: a concept's name, or free text, which no pack can answer yet."""
    name = _string(cursor)
    floor = _floor(cursor)
    if cursor.names is not None and not cursor.names.knows(name):
        raise query_error(
            f'no concept is named "{name}", and this pack has no text part for free text',
            column,
            hint="`localsearch concepts` lists the names",
        )
    return _concept(name, floor, column)


def _words(cursor: _Cursor, column: int) -> Term:
    """The concept that as many of the next words as possible name."""
    start = cursor.position
    if cursor.take_keyword("and") or cursor.take_keyword("or") or not cursor.take(_WORD):
        joint = cursor.text[start : cursor.position].lower()
        cursor.position = start
        raise _lacking(cursor, joint)
    name = cursor.text[start : cursor.position]
    if cursor.names is not None:
        longest = _longest(cursor, cursor.names, start)
        if longest > cursor.position:
            cursor.position = longest
        elif not cursor.names.knows(name):
            raise _unknown(cursor, cursor.names, name, column)
        name = " ".join(cursor.text[start : cursor.position].split())
    return _concept(name, _floor(cursor), column)


def _lacking(cursor: _Cursor, joint: str) -> QueryError:
    """The error where a term should begin: after a joint, before the joint that stands here."""
    before = _JOINT.search(cursor.text, 0, cursor.position)
    error = cursor.expected("a term")
    if before is not None:
        told, hint = f'a word is missing after "{before[1]}"', "for instance: dog or cat, dog -cat"
    elif joint:
        told, hint = f'a word is missing before "{joint}"', "for instance: dog or cat"
    else:
        return error
    return QueryError(f"{told}: {error.message}", hint=hint, column=error.column)


def _longest(cursor: _Cursor, names: Names, start: int) -> int:
    """Where the longest name that starts at `start` ends; `start` if no name does.

    `and`, `or` and brackets may be part of a name, as in "mortar and pestle" or "crane (bird)".
    """
    longest = end = start
    for _ in range(_LONGEST_NAME):
        piece = _PIECE.match(cursor.text, end)
        if piece is None:
            break
        end = piece.end()
        if names.knows(cursor.text[start:end]):
            longest = end
    return longest


def _unknown(cursor: _Cursor, names: Names, name: str, column: int) -> QueryUnknownConcept:
    """The error for a word that names nothing: nearest to it and the next word, then to it."""
    following = _PIECE.match(cursor.text, cursor.position)
    near = names.nearest(name + following[0])[:2] if following is not None else ()
    near = tuple(dict.fromkeys((*near, *names.nearest(name))))[:_SHOWN]
    return QueryUnknownConcept(
        f"there is no concept {name!r} (column {column})",
        hint=f"did you mean {', '.join(near)}?" if near else "`localsearch concepts` lists all",
        column=column,
    )


def _concept(name: str, floor: float | None, column: int) -> Term:
    try:
        return Concept(name, floor or 0.0)
    except InputError as error:
        raise query_error(error.message, column) from error


def _known(cursor: _Cursor, name: str, column: int) -> None:
    if cursor.names is None:
        return
    try:
        cursor.names.find(name)
    except QueryUnknownConcept as error:
        raise QueryUnknownConcept(
            f"{error.message} (column {column})", hint=error.hint, column=column
        ) from error
