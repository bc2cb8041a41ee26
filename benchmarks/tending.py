"""A process of its own that tends a store or asks it, and tells what that took.

    python -m benchmarks.tending WORK STORE      (prints JSON)

Memory is what the process holds for itself: anonymous pages, so nothing of a file that is mapped,
which the system can take back at any time and which all processes share. Linux only.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.children import child

MEMORY = 4 << 30
_COMMON = "outdoors"
_EVERY = 0.01  # seconds between two looks at the memory


@dataclass(frozen=True, slots=True)
class Tended:
    """Seconds (opening apart), CPU seconds, and bytes.

    `peak`: most anonymous memory; `anonymous` and `private`: at the end, the second with pages of
    files that only this process has mapped; `written`: handed to the disk.
    """

    seconds: float
    cpu: float
    peak: int
    anonymous: int
    private: int
    written: int


def tend(work: str, store: Path) -> Tended:
    """Do one of WORKS with a store in a new process."""
    done = child([sys.executable, "-m", "benchmarks.tending", work, str(store)])
    return Tended(**json.loads(done.stdout.splitlines()[-1]))


def _nothing(store: Path) -> Callable[[], object]:
    """The packages that any search needs."""

    def work() -> None:
        import sqlite3  # noqa: F401

        import numpy  # noqa: F401
        import pyroaring  # noqa: F401

    return work


def _compact(store: Path) -> Callable[[], object]:
    import localsearch as ls

    library = ls.open(store=store, graph="never", memory=MEMORY)
    return lambda: library.compact()


def _build_graph(store: Path) -> Callable[[], object]:
    import localsearch as ls

    library = ls.open(store=store, graph="always", memory=MEMORY)
    return lambda: library.compact()


def _load_graph(store: Path) -> Callable[[], object]:
    import localsearch as ls
    from benchmarks.searching import wait_for_graph

    library = ls.open(store=store, read_only=True, memory=MEMORY)
    some = library.search(ls.concept(_COMMON), limit=1)[0]
    return lambda: wait_for_graph(library, some.id)


def _ask_concepts(store: Path) -> Callable[[], object]:
    import localsearch as ls

    library = ls.open(store=store, read_only=True, graph="never")
    a, b, c = (ls.concept(name) for name in ("outdoors", "people", "dog"))

    def work() -> None:
        for query in (a, b, c, a & b & c, a & ~b & ~c):
            library.search(query, limit=20)

    return work


def _ask_all(store: Path) -> Callable[[], object]:
    import localsearch as ls

    library = ls.open(store=store, read_only=True, graph="never")
    concepts = _ask_concepts(store)
    some = library.search(ls.concept(_COMMON), limit=5)

    def work() -> None:
        concepts()
        for hit in some:
            library.search(ls.like(id=hit.id), limit=20)
            library.search(ls.like(id=hit.id) & ls.concept("dog"), limit=20)

    return work


WORKS: dict[str, Callable[[Path], Callable[[], object]]] = {
    "nothing": _nothing,
    "compact": _compact,
    "build-graph": _build_graph,
    "load-graph": _load_graph,
    "ask-concepts": _ask_concepts,
    "ask-all": _ask_all,
}


class _Peak(threading.Thread):
    """Looks at the memory again and again; use it as a context manager."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.bytes = 0
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(_EVERY):
            self.bytes = max(self.bytes, _told("/proc/self/status", "RssAnon"))

    def __enter__(self) -> _Peak:
        self.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self._done.set()
        self.join()


def _told(file: str, *names: str) -> int:
    """The sum of some lines of a file of the system, in bytes; 0 where there is none."""
    try:
        lines = Path(file).read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    pairs = (line.split(":") for line in lines if ":" in line)
    return sum(int(value.split()[0]) * 1024 for name, value in pairs if name in names)


def _written() -> int:
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def _measured(work: Callable[[], object]) -> Tended:
    before, cpu, began = _written(), time.process_time(), time.perf_counter()
    with _Peak() as peak:
        work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    rollup = "/proc/self/smaps_rollup"
    return Tended(
        seconds,
        cpu,
        peak.bytes,
        _told(rollup, "Anonymous"),
        _told(rollup, "Private_Clean", "Private_Dirty"),
        _written() - before,
    )


if __name__ == "__main__":
    print(json.dumps(asdict(_measured(WORKS[sys.argv[1]](Path(sys.argv[2]))))))
