"""The one table of benchmarks: a name, and the function that measures."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import (
    calibration,
    footprint,
    graph,
    large_photos,
    load,
    merging,
    nochange,
    quality,
    recall,
    searching,
    startup,
    throughput,
)
from benchmarks.figures import Result
from benchmarks.workspace import Workspace

BENCHMARKS: dict[str, Callable[[Workspace], Result]] = {
    "quality": quality.run,
    "calibration": calibration.run,
    "throughput": throughput.run,
    "large_photos": large_photos.run,
    "nochange": nochange.run,
    "startup": startup.run,
    "merging": merging.run,
    "recall": recall.run,
    "graph": graph.run,
    "searching": searching.run,
    "footprint": footprint.run,
    "load": load.run,
}

SLOW = frozenset({"quality", "calibration"})
"""Left out of a quick run unless named: they infer thousands of photos."""
