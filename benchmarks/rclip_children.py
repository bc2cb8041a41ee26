"""Whole processes of rclip and of this program that do the same thing: a sync, a text query.

Each runs under its own Python, offline. Invariant: rclip's code is called as it calls itself; the
networks that it finds in its own folder are the files of our pack, hard links to them.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.children import environment, program
from benchmarks.rclip_pack import VOCABULARY
from benchmarks.timing import Run

# Where rclip 3 looks below its own folder.
_NETWORKS = "ViT-B-32-256-datacomp_s34b_b86k"
_FILES = {"image.onnx": "visual.onnx", "text.onnx": "textual.onnx"}
_VOCABULARY = Path("tokenizer", "bpe_simple_vocab_16e6.txt.gz")
_LIMIT = "10"

# Both begin to count when their packages are there, and count the opening of an empty library, the
# loading of the network and all that is stored. 8 is rclip's own default, a batch.
_ENDING = """
seconds = time.perf_counter() - began
lines = open("/proc/self/status").read().split("\\n")
peak = next(int(one.split()[1]) * 1024 for one in lines if one.startswith("VmHWM"))
print(json.dumps({"seconds": seconds, "cpu": time.process_time() - cpu, "peak": peak}))
"""
_RCLIP_SYNC = f"""
import json, os, sys, time
from rclip.main import init_rclip
began, cpu = time.perf_counter(), time.process_time()
init_rclip(os.getcwd(), 8)
{_ENDING}"""
_OUR_SYNC = f"""
import json, sys, time
import localsearch as ls
began, cpu = time.perf_counter(), time.process_time()
with ls.open(store=sys.argv[1], roots={{"photos": sys.argv[2]}}, pack=sys.argv[3]) as library:
    library.sync()
{_ENDING}"""
# A whole command as `python -m` does it, and then the most memory that it had.
_PEAK = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code
lines = open("/proc/self/status").read().split("\\n")
print("peak", next(int(one.split()[1]) * 1024 for one in lines if one.startswith("VmHWM")))
"""


@dataclass(frozen=True, slots=True)
class Synced:
    """A sync: its own seconds, the process's, CPU seconds, and the most memory in bytes."""

    run: Run
    process: float
    peak: int


class Rclip:
    """rclip under `python`, with the networks of `pack`."""

    def __init__(self, python: str, pack: Path) -> None:
        self._python, self._pack = python, pack

    def sync(self, photos: Path, data: Path) -> Synced:
        """Fill a new folder of rclip's own."""
        self._lay_networks(data)
        done = _synced([self._python, "-c", _RCLIP_SYNC], photos, self._environment(data))
        with sqlite3.connect(data / "db.sqlite3") as conn:
            _check(conn.execute("SELECT count(*) FROM images").fetchone()[0], photos)
        return done

    def ask(self, text: str, photos: Path, data: Path) -> Run:
        """`rclip TEXT`, without the look for changes that it else begins with."""
        return _timed([self._python, "-m", "rclip", *_words(text)], photos, self._environment(data))

    def peak_of_asking(self, text: str, photos: Path, data: Path) -> int:
        """Bytes."""
        command = [self._python, "-c", _PEAK, "rclip", *_words(text)]
        return _peak(command, photos, self._environment(data))

    def _lay_networks(self, data: Path) -> None:
        (data / _NETWORKS).mkdir(parents=True)
        (data / _VOCABULARY).parent.mkdir()
        for ours, theirs in _FILES.items():
            os.link(self._pack / ours, data / _NETWORKS / theirs)
        shutil.copyfile(self._pack.parent / VOCABULARY, data / _VOCABULARY)

    @staticmethod
    def _environment(data: Path) -> dict[str, str]:
        there = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        there.pop("PYTHONDONTWRITEBYTECODE", None)
        return {**there, "RCLIP_DATADIR": str(data), "HF_HUB_OFFLINE": "1"}


class Ours:
    """This program, with the same pack."""

    def __init__(self, pack: Path) -> None:
        self._pack = pack

    def sync(self, photos: Path, store: Path) -> Synced:
        """Make a store and fill it."""
        command = [sys.executable, "-c", _OUR_SYNC, str(store), str(photos), str(self._pack)]
        done = _synced(command, photos, environment())
        with sqlite3.connect(store / "catalog.sqlite") as conn:
            _check(conn.execute("SELECT count(*) FROM inputs").fetchone()[0], photos)
        return done

    def ask(self, text: str, photos: Path, store: Path) -> Run:
        """`localsearch search TEXT`."""
        command = [*program(), *_our_words(text, store)]
        return _timed(command, photos, environment())

    def peak_of_asking(self, text: str, photos: Path, store: Path) -> int:
        """Bytes."""
        command = [sys.executable, "-c", _PEAK, "localsearch", *_our_words(text, store)]
        return _peak(command, photos, environment())


def _words(text: str) -> list[str]:
    return [text, "--no-indexing", "--top", _LIMIT]


def _our_words(text: str, store: Path) -> list[str]:
    """`>=0`: with random weights no text is near enough, and rclip knows no such bound."""
    return ["search", f'text:"{text}">=0', "--limit", _LIMIT, "--library", str(store)]


def _synced(command: Sequence[str], photos: Path, there: dict[str, str]) -> Synced:
    began = time.perf_counter()
    told = json.loads(_output(command, photos, there).splitlines()[-1])
    process = time.perf_counter() - began
    return Synced(Run(told["seconds"], told["cpu"]), process, told["peak"])


def _timed(command: Sequence[str], photos: Path, there: dict[str, str]) -> Run:
    wall, before = time.perf_counter(), os.times()
    said = _output(command, photos, there)
    seconds, after = time.perf_counter() - wall, os.times()
    assert "photo-" in said, said
    busy = after.children_user + after.children_system
    return Run(seconds, busy - before.children_user - before.children_system)


def _peak(command: Sequence[str], photos: Path, there: dict[str, str]) -> int:
    return int(_output(command, photos, there).split()[-1])


def _output(command: Sequence[str], photos: Path, there: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=photos, env=there, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[:3]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def _check(found: int, photos: Path) -> None:
    wanted = len(list(photos.iterdir()))
    if found != wanted:
        raise RuntimeError(f"{found} of {wanted} photos were stored")
