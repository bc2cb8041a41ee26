"""The leaves of a query: one file a leaf, one row a leaf in CLAUSES.

A new leaf is a frozen term in `terms`, a file here and a row below; grammar, planner, run and
reasons read the table. A leaf never knows another leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from localsearch.search.clauses import (
    box,
    camera,
    concept,
    ids,
    like,
    metadata,
    near,
    path,
    state,
    sum,
    tag,
    taken,
    text,
)
from localsearch.search.clauses.clause import Clause
from localsearch.search.terms import (
    Box,
    Camera,
    Concept,
    Ids,
    Like,
    Metadata,
    Near,
    PathTerm,
    State,
    Sum,
    Tag,
    Taken,
    Term,
    Text,
)
from localsearch.search.words import Written

CLAUSES: Final[Mapping[type[Term], Clause]] = {
    Concept: concept.CLAUSE,
    Tag: tag.CLAUSE,
    Like: like.CLAUSE,
    Text: text.CLAUSE,
    Sum: sum.CLAUSE,
    Ids: ids.CLAUSE,
    Metadata: metadata.CLAUSE,
    Taken: taken.CLAUSE,
    Near: near.CLAUSE,
    Box: box.CLAUSE,
    Camera: camera.CLAUSE,
    PathTerm: path.CLAUSE,
    State: state.CLAUSE,
}

FIELDS: Final[Mapping[str, Callable[[Written], Term]]] = {
    name: clause.read
    for clause in CLAUSES.values()
    if clause.read is not None
    for name in clause.fields
}
"""Every prefix of the grammar and what reads it, in the order in which errors list them."""
