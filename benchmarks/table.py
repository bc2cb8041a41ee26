"""The one table of benchmarks: a name, and the function that measures."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import (
    footprint,
    large_photos,
    nochange,
    quality,
    searching,
    startup,
    throughput,
)
from benchmarks.figures import Result
from benchmarks.workspace import Workspace

BENCHMARKS: dict[str, Callable[[Workspace], Result]] = {
    "quality": quality.run,
    "throughput": throughput.run,
    "large_photos": large_photos.run,
    "nochange": nochange.run,
    "startup": startup.run,
    "searching": searching.run,
    "footprint": footprint.run,
}
