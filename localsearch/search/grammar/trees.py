"""How leaves are combined: `and`, `or`, `not`, brackets. What a leaf is, others know."""

from __future__ import annotations

import re
from typing import Final

from localsearch.errors import QueryError
from localsearch.search.grammar.cursor import Cursor
from localsearch.search.grammar.leaves import FIELD, leaf, quoted_text
from localsearch.search.grammar.names import denied_name, take_denial
from localsearch.search.grammar.runs import SUM, words
from localsearch.search.terms import Not, Term, all_of, any_of
from localsearch.search.words import query_error

# What asks for a term after it, at the end of what was read.
_JOINT: Final = r"(?:^|(?<=[\s()\"]))(and|or|not|no|without|-)\s*\Z"


def whole(cursor: Cursor) -> Term:
    """The term of a whole text."""
    cursor.skip()
    if not cursor.here:
        raise query_error("the query is empty", 1, hint="for instance: dog -indoor")
    term = _query(cursor)
    if cursor.here:
        raise cursor.expected("a term or the end", hint=_hint_at(cursor))
    return term


def _query(cursor: Cursor) -> Term:
    branches = [_all(cursor)]
    while cursor.take_keyword("or"):
        branches.append(_all(cursor))
    return any_of(branches)


def _all(cursor: Cursor) -> Term:
    terms = [_one(cursor)]
    while True:
        cursor.skip()
        ends = cursor.here in ("", ")") or cursor.at_keyword("or")
        if not cursor.take_keyword("and") and ends:
            return all_of(terms)
        terms.append(_one(cursor))


def _one(cursor: Cursor, *, denied: bool = False) -> Term:
    cursor.skip()
    column = cursor.column
    if cursor.take_text("-") or take_denial(cursor):
        return _negated(cursor, column)
    if cursor.take_text("("):
        return _group(cursor, column)
    if cursor.take(SUM):
        from localsearch.search.grammar.sums import weighted_sum

        return weighted_sum(cursor, column)
    field = cursor.take(FIELD)
    if field is not None:
        return leaf(cursor, field[1], column)
    if cursor.here == '"':
        return quoted_text(cursor, column)
    term = denied_name(cursor, column) if denied else words(cursor, column)
    if term is None:
        raise _lacking(cursor)
    return term


def _negated(cursor: Cursor, column: int) -> Term:
    with cursor.deeper(column):
        term = _one(cursor, denied=True)
    try:
        return Not(term)
    except QueryError as error:  # a visual leaf without a threshold
        raise query_error(error.message, column, hint=error.hint) from error


def _group(cursor: Cursor, column: int) -> Term:
    with cursor.deeper(column):
        term = _query(cursor)
    if not cursor.take_text(")"):
        raise cursor.expected(f'a ")" for the "(" in column {column}', hint=_hint_at(cursor))
    return term


def _lacking(cursor: Cursor) -> QueryError:
    """The error where a term should begin: after a joint, before the joint that stands here."""
    before = re.search(_JOINT, cursor.text[: cursor.position], re.IGNORECASE)
    error = cursor.expected("a term")
    following = next((word for word in ("and", "or") if cursor.at_keyword(word)), "")
    if before is not None:
        told, hint = f'a word is missing after "{before[1]}"', "for instance: dog or cat, dog -cat"
    elif following:
        told, hint = f'a word is missing before "{following}"', "for instance: dog or cat"
    else:
        return cursor.expected("a term", hint=_hint_at(cursor))
    return QueryError(f"{told}: {error.message}", hint=hint, column=error.column)


def _hint_at(cursor: Cursor) -> str:
    """What to write instead of the sign that stands here."""
    if cursor.here in ("<", ">", "="):
        return "a lowest probability is written dog>=0.5"
    if cursor.here == ",":
        return "write cat dog for both, cat or dog for either"
    if cursor.here == ":":
        return 'put double quotes around a name with a colon: concept:"a:b"'
    return "for instance: (dog or cat) beach; double quotes around names with brackets"
