"""Whole processes: the program as a user runs it, and a sync whose time and memory are its own.

    python -m benchmarks.children PHOTOS STORE      (one sync; prints JSON)

The parent's process never opens the library that a child syncs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.timing import Run, busy_seconds, peak_memory
from localsearch.machine import usable_cores

HOUSE = Path(__file__).resolve().parents[1]
_UNWANTED = ("PYTHONDONTWRITEBYTECODE", "LOCALSEARCH_LIBRARY")
_BYTECODE = HOUSE / "benchmarks" / "out" / "bytecode"


@dataclass(frozen=True, slots=True)
class SyncRun:
    """One sync in a process of its own: opening apart, memory in bytes.

    `others` are the CPU seconds that other processes took meanwhile (0 where nobody tells).
    """

    seconds: float
    cpu: float
    others: float
    open_seconds: float
    peak_memory: int
    added: int
    unchanged: int
    failed: int

    @property
    def undisturbed(self) -> float:
        """Seconds, less what others took of the cores: as if the machine had been ours."""
        return self.seconds - self.others / usable_cores()

    @property
    def run(self) -> Run:
        """As a timing."""
        return Run(self.seconds, self.cpu)


def sync_in_child(photos: Path, store: Path) -> SyncRun:
    """Make the store if there is none, and sync it."""
    done = child([sys.executable, "-m", "benchmarks.children", str(photos), str(store)])
    return SyncRun(**json.loads(done.stdout))


def synthetic_in_child(rows: int, store: Path, data: Path | None) -> str:
    """Make a synthetic store; gives the JSON of what that took."""
    data_option = [] if data is None else ["--data", str(data)]
    command = [sys.executable, "-m", "benchmarks.synthetic", str(rows), str(store), *data_option]
    return child(command).stdout.splitlines()[-1]


def program() -> list[str]:
    """The command line's program: the installed script if there is one, else the module."""
    beside = shutil.which("localsearch", path=str(Path(sys.executable).parent))
    return [beside] if beside else [sys.executable, "-m", "localsearch"]


def run_program(*args: str, cwd: Path) -> str:
    """What `localsearch ARGS` prints, piped; an error ends the benchmark."""
    return child([*program(), *args], cwd=cwd).stdout


def run_python(code: str) -> None:
    """`python -c CODE` as a whole process."""
    child([sys.executable, "-c", code])


def child(command: Sequence[str], cwd: Path = HOUSE) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; RuntimeError if it failed."""
    done = subprocess.run(
        command, cwd=cwd, env=environment(), stdout=subprocess.PIPE, encoding="utf-8", check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stdout[-2000:]}")
    return done


def environment() -> dict[str, str]:
    """As on a user's machine: this checkout, and bytecode that is kept (the first call makes it).

    Without kept bytecode, each start compiles some 130 modules of the house: half a second.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    return {**kept, "PYTHONPATH": str(HOUSE), "PYTHONPYCACHEPREFIX": str(_BYTECODE)}


def _sync(photos: Path, store: Path) -> SyncRun:
    import localsearch as ls

    began = time.perf_counter()
    library = ls.open(store=store, roots={"photos": photos})
    opened, cpu, busy = time.perf_counter(), time.process_time(), busy_seconds()
    report = library.sync()
    seconds, cpu = time.perf_counter() - opened, time.process_time() - cpu
    others = max(0.0, busy_seconds() - busy - cpu)
    library.close()
    return SyncRun(
        seconds,
        cpu,
        others,
        opened - began,
        peak_memory(),
        report.added,
        report.unchanged,
        report.failed,
    )


if __name__ == "__main__":
    print(json.dumps(asdict(_sync(Path(sys.argv[1]), Path(sys.argv[2])))))
