"""Compares catalog, features, segments, graphs and disk with each other, and mends what it can.

`truth` looks at what cannot be recomputed, `derived` at what can; both find and change nothing.
`repair` cures, by functions that it is given, and looks again. What is derived (`derived=True`)
costs time only: it is answered from the features and built anew. The rest tells what was lost and
what to do.
"""

from localsearch.verify.derived import GRAPH_CODES, SEGMENT_CODES
from localsearch.verify.repair import Tools, repair_store
from localsearch.verify.whole import verify_store

__all__ = ["GRAPH_CODES", "SEGMENT_CODES", "Tools", "repair_store", "verify_store"]
