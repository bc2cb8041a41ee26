"""The leaves of a query: one file a leaf, one row a leaf in CLAUSES.

A new leaf is a frozen term in `terms`, a file here and a row below; grammar, planner, run and
reasons read the table. A leaf never knows another leaf.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from localsearch.search.clauses import concept, ids, like, path, state, tag
from localsearch.search.clauses.clause import Clause
from localsearch.search.terms import Concept, Ids, Like, PathTerm, State, Tag, Term

CLAUSES: Final[Mapping[type[Term], Clause]] = {
    Concept: concept.CLAUSE,
    Tag: tag.CLAUSE,
    Like: like.CLAUSE,
    Ids: ids.CLAUSE,
    PathTerm: path.CLAUSE,
    State: state.CLAUSE,
}

FIELDS: Final[Mapping[str, Clause]] = {
    name: clause for clause in CLAUSES.values() for name in clause.fields
}
"""Every prefix of the grammar, in the order in which errors list them."""
