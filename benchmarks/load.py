"""A server under load: 100,000 inputs, 32 clients that keep their line, 200 requests a second.

    python -m benchmarks.load STORE [--seconds S] [--rate R] [--clients N]    (STORE is changed)

Offered, not asked for as fast as answers come: a request is due at its time, and its latency
counts from then, so a server that stands still for a second is seen by all that were due meanwhile.
One more client adds pictures all the while. Then a thousand lines are held half open, and at last
all clients ask as fast as they can. The server is a process of its own; its memory is what it holds
for itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.children import HOUSE, environment
from benchmarks.figures import Figure, Result, Target, as_json, as_markdown, spread
from benchmarks.load_client import Asker, Load, adding, closed_loop, half_open, offered
from benchmarks.workspace import Workspace

CLIENTS, RATE = 32, 200.0
HELD = 1000
_P95 = Target(most=50.0)
_NONE = Target(most=0.0)
_FLAT = Target(most=1.1)
_MEASURED_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long each part takes, in seconds, and how much is offered."""

    seconds: float = 120.0
    rate: float = RATE
    clients: int = CLIENTS
    held_seconds: float = 20.0
    closed_seconds: float = 15.0
    warm_seconds: float = 10.0


QUICK = Plan(seconds=8.0, held_seconds=4.0, closed_seconds=4.0, warm_seconds=4.0)


def run(work: Workspace) -> Result:
    """On a copy of the synthetic store of 100,000 rows; of the smaller one in a quick run."""
    full = 100_000 in work.sizes.synthetic
    rows = 100_000 if full else work.sizes.synthetic[0]
    store = work.copied(work.graphed(rows))
    try:
        return measured(store, Plan() if full else QUICK)
    finally:
        work.drop(store)


def measured(store: Path, plan: Plan) -> Result:
    """All parts in turn, on one server."""
    with _serving(store) as (url, process):
        return asyncio.run(_measured(url, process.pid, plan))


async def _measured(url: str, pid: int, plan: Plan) -> Result:
    questions = await Asker.questions(url)
    await closed_loop(url, questions, 4, plan.warm_seconds)  # the graph is loaded meanwhile
    memory = _Memory(pid)
    watching = asyncio.create_task(memory.watch())
    stop, cpu = asyncio.Event(), _cpu_seconds(pid)
    adder = asyncio.create_task(adding(url, stop))
    load = await offered(url, questions, plan.clients, plan.rate, plan.seconds)
    stop.set()
    added = await adder
    cpu = _cpu_seconds(pid) - cpu
    watching.cancel()
    async with half_open(url, HELD) as ended_lines:
        beside = await offered(url, questions, plan.clients, plan.rate, plan.held_seconds)
        ended = await ended_lines()
    closed_cpu = _cpu_seconds(pid)
    closed = await closed_loop(url, questions, plan.clients, plan.closed_seconds)
    closed_cpu = _cpu_seconds(pid) - closed_cpu
    flat = memory.growth()
    figures = [
        *_figures(f"{plan.clients} clients, {plan.rate:g} requests/s offered", load),
        *(spread(f"... {kind}", ms, "ms", note=_p95(ms)) for kind, ms in load.by_kind().items()),
        Figure("... CPU of the server, adds included", cpu / plan.seconds, "cores"),
        Figure("... pictures added meanwhile", float(added.asked), note=_p95(added.milliseconds)),
        Figure("... adds that failed", float(added.failed), target=_NONE),
        Figure("... memory, last quarter over second", flat, "x", target=_FLAT, note=memory.told()),
        *_figures(f"the same beside {HELD} half-open lines", beside),
        Figure("... half-open lines that the server has ended", float(ended)),
        _rate(f"{plan.clients} clients as fast as they can", closed),
        Figure("... CPU of the server", closed_cpu * 1e3 / max(closed.asked, 1), "ms/request"),
        Figure("... failed", float(closed.failed), target=_NONE),
    ]
    return Result(tuple(figures), (f"{questions}", "latency counts from when a request was due"))


def _figures(name: str, load: Load) -> Iterator[Figure]:
    yield _rate(name, load)
    yield Figure("... p95", load.percentile(95), "ms", target=_P95)
    yield Figure("... failed", float(load.failed), target=_NONE, note=load.first_fault)


def _rate(name: str, load: Load) -> Figure:
    return Figure(name, load.asked / load.seconds, "requests/s", note=_p95(load.milliseconds))


def _p95(milliseconds: list[float]) -> str:
    if not milliseconds:
        return "none"
    ordered = sorted(milliseconds)
    p50, p95, p99 = (
        ordered[min(int(len(ordered) * q), len(ordered) - 1)] for q in (0.5, 0.95, 0.99)
    )
    return f"p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}, most {ordered[-1]:.0f} ms"


class _Memory:
    """What a process holds for itself, looked at every second."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seen: list[float] = []

    async def watch(self) -> None:
        """Until it is cancelled."""
        while True:
            self._seen.append(_anonymous(self._pid) / (1 << 20))
            await asyncio.sleep(_MEASURED_EVERY)

    def growth(self) -> float:
        """The last quarter over the second one: the first one is for warming up."""
        quarter = max(len(self._seen) // 4, 1)
        second, last = self._seen[quarter : 2 * quarter] or self._seen, self._seen[-quarter:]
        return (sum(last) / len(last)) / (sum(second) / len(second))

    def told(self) -> str:
        """In MiB."""
        return f"{self._seen[0]:.0f} to {self._seen[-1]:.0f} MiB, most {max(self._seen):.0f}"


def _anonymous(pid: int) -> int:
    """Bytes that a process holds for itself. Linux only."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system does not tell what a process holds")


def _cpu_seconds(pid: int) -> float:
    """What a process and its threads have computed: others on the machine do not count."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _serving(store: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "localsearch", "--library", str(store), "serve"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--ready", "--with-parent"],
        cwd=HOUSE,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"], process
    finally:
        process.stdin.close()
        process.wait(60)


def main(args: list[str]) -> int:
    """Measure a store that is there; 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("store", type=Path)
    parser.add_argument("--seconds", type=float, default=Plan().seconds)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    options = parser.parse_args(args)
    random.seed(7)
    began = time.perf_counter()
    plan = Plan(options.seconds, options.rate, options.clients)
    result = measured(options.store, plan)
    about = {"command": " ".join(["python -m benchmarks.load", *args]), "load": "not noted"}
    about["seconds"] = f"{time.perf_counter() - began:.0f}"
    print(as_markdown({"load": as_json(result, about)}))
    return 1 if any(figure.met is False for figure in result.figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
