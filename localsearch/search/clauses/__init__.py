"""The leaves of a query: one file a leaf, one row a leaf in the table.

A new leaf is a frozen term in `terms`, a file here and a row below; grammar, planner, run and
reasons read the table. A leaf never knows another leaf. A file is imported when its leaf is first
met: a search for one concept waits for no code of dates and places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Final

from localsearch.search import terms
from localsearch.search.clauses.clause import Clause
from localsearch.search.terms import Term
from localsearch.search.words import Written

# The term's name, its file here, and the prefixes of the grammar that its file reads.
_TABLE: Final = (
    ("Concept", "concept", ("concept",)),
    ("Tag", "tag", ("tag",)),
    ("Like", "like", ("like", "like-id")),
    ("Text", "text", ("text",)),
    ("Sum", "sum", ()),
    ("Ids", "ids", ("id",)),
    ("Metadata", "metadata", ("metadata",)),
    ("Taken", "taken", ("taken",)),
    ("Near", "near", ("near",)),
    ("Box", "box", ("box",)),
    ("Camera", "camera", ("camera",)),
    ("PathTerm", "path", ("path",)),
    ("State", "state", ("state",)),
)
_FILES: Final = {name: file for name, file, _ in _TABLE}

FIELDS: Final[Mapping[str, str]] = {field: file for _, file, fields in _TABLE for field in fields}
"""Every prefix of the grammar and the file that reads it, in the order of error messages."""


class _Clauses(Mapping[type[Term], Clause]):
    """The clause of each kind of leaf."""

    def __getitem__(self, kind: type[Term]) -> Clause:
        return _clause_in(_FILES[kind.__name__])

    def __iter__(self) -> Iterator[type[Term]]:
        return (getattr(terms, name) for name in _FILES)

    def __len__(self) -> int:
        return len(_FILES)


CLAUSES: Final[Mapping[type[Term], Clause]] = _Clauses()


def read(written: Written) -> Term:
    """The term of a leaf as it was written; QueryError with the column."""
    reader = _clause_in(FIELDS[written.field]).read
    assert reader is not None  # a file that stands beside a field reads it
    return reader(written)


def _clause_in(file: str) -> Clause:
    clause: Clause = import_module(f"{__name__}.{file}").CLAUSE
    return clause
