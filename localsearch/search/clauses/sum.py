"""`sum(0.6*like:"beach.jpg" + 0.4*text:"at night")`: photos by likeness to a weighted sum.

It has no field of its own: the grammar reads it, since it holds leaves.
"""

from __future__ import annotations

from localsearch.search.clauses import likeness
from localsearch.search.clauses.clause import Clause

CLAUSE = Clause(
    read=None,
    rows=likeness.rows,
    values=likeness.values,
    size=likeness.size,
    cost=likeness.cost,
    routes=likeness.routes,
)
