"""Stop watches: things measured in turn (A B A B ...), and what a process used at most.

Invariant: the pairs of a ratio were measured one after the other in the same round, so what else
the machine did weighs on both.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds by the clock, and CPU seconds of the process that did it (all its threads)."""

    wall: float
    cpu: float


def timed(work: Callable[[], object]) -> Run:
    """Do it once."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return Run(time.perf_counter() - wall, time.process_time() - cpu)


def in_turn(
    works: Mapping[str, Callable[[], object]], rounds: int, warm: int = 1
) -> dict[str, list[Run]]:
    """Each work once a round, in order. A work that gives a Run was timed elsewhere (a child)."""
    runs: dict[str, list[Run]] = {name: [] for name in works}
    for number in range(-warm, rounds):
        for name, work in works.items():
            run = _run(work)
            if number >= 0:
                runs[name].append(run)
    return runs


def _run(work: Callable[[], object]) -> Run:
    given: list[object] = []
    own = timed(lambda: given.append(work()))
    return given[0] if isinstance(given[0], Run) else own


def walls(runs: Sequence[Run], scale: float = 1.0) -> list[float]:
    """Clock seconds, times `scale`."""
    return [run.wall * scale for run in runs]


def ratios(above: Sequence[Run], below: Sequence[Run]) -> list[float]:
    """Clock time over clock time, round by round."""
    return [a.wall / b.wall for a, b in zip(above, below, strict=True)]


def busy_seconds() -> float:
    """CPU seconds that this machine spent on anything so far, or that its host took; 0: unknown."""
    try:
        words = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
        ticks = os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError):
        return 0.0
    user, nice, system, _idle, _waiting, interrupts, soft, stolen = map(int, words[1:9])
    return (user + nice + system + interrupts + soft + stolen) / ticks


def peak_memory() -> int:
    """The most bytes that this process had resident so far; 0 where the system does not tell."""
    try:
        # Not getrusage on Linux: there a child begins with what its parent had.
        lines = Path("/proc/self/status").read_text(encoding="ascii").split("\n")
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
