"""The vector graph: one per store and pack, which proposes the rows most like a query vector.

`trial` says whether hnswlib can be used on this machine, `hnsw` is the graph itself, `members`
which rows each of its points stands for, `opened` both of them read from their folder. Never
scores a row, never filters, never decides when a graph is built. A graph only ever costs or saves
time: whoever asks has another way to the same answer.
"""

from localsearch.graph.files import FOLDER, GRAPH, MEMBERS
from localsearch.graph.opened import OpenGraph, check_graph, open_graph
from localsearch.graph.trial import available

__all__ = [
    "FOLDER",
    "GRAPH",
    "MEMBERS",
    "OpenGraph",
    "available",
    "check_graph",
    "open_graph",
]
