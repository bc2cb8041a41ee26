"""Whether hnswlib can be used on this machine, found out without risking this process.

It is compiled for the processor it was built on, and on an older one the first call ends the
process (SIGILL). So before it is imported for the first time, a child process imports it and
makes a small graph; the answer is kept in the user's cache folder for as long as the file, the
processor and Python stay the same. Never raises, and never imports hnswlib here.

In a frozen program `sys.executable` is the program itself, so there is no child to ask: whoever
built it must say that the build fits (`graph="always"`).
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import platform
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

from blake3 import blake3

from localsearch.durable import replace_file
from localsearch.errors import LocalsearchError
from localsearch.machine import processor_features

TIMEOUT_SECONDS: Final = 60.0
"""A first import of numpy from a slow disk takes some seconds; nobody waits for this."""

_SCRIPT: Final = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
import numpy, hnswlib
index = hnswlib.Index(space="ip", dim=48)
index.init_index(8, ef_construction=10, M=4)
index.add_items(numpy.eye(8, 48, dtype="float32"))
assert index.knn_query(numpy.eye(8, 48, dtype="float32"), k=1)[0].ravel().tolist() == [*range(8)]
"""

_log = logging.getLogger("localsearch")
_lock = threading.Lock()
_answers: dict[bool, str | None] = {}


def available(*, vouched: bool = False) -> str | None:
    """None if the graph can be used, else the reason in words.

    `vouched`: in a frozen program, take the builder's word for it. The first call of a process
    takes some milliseconds; the first on a machine starts a child, which takes a second.
    """
    with _lock:
        if vouched not in _answers:
            _answers[vouched] = _looked_at(vouched)
        return _answers[vouched]


def begin_anew() -> None:
    """Look again at the next call; also for a child after a fork, whose lock may be held."""
    global _lock
    _lock = threading.Lock()
    _answers.clear()


def _looked_at(vouched: bool) -> str | None:
    file = _extension()
    if file is None:
        return "hnswlib is not installed"
    if not _has_interpreter():
        return None if vouched else 'hnswlib cannot be tried in a frozen program: graph="always"'
    mark = _mark(file)
    kept = _kept(mark)
    if kept is not None:
        return kept or None
    answer, lasting = _tried()
    if lasting:
        _keep(mark, answer or "")
    if answer:
        _log.warning("no graph: %s", answer)
    return answer


def _extension() -> Path | None:
    """The file that `import hnswlib` would load."""
    try:
        spec = importlib.util.find_spec("hnswlib")
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.origin:
        return None
    return Path(spec.origin)


def _has_interpreter() -> bool:
    """Whether `sys.executable` is Python, and not a program that has it inside."""
    if getattr(sys, "frozen", False) or not sys.executable:
        return False
    return Path(sys.executable).stem.casefold().startswith(("python", "pypy"))


def _mark(file: Path) -> str:
    """Digest of all that the answer depends on."""
    mark = blake3(f"{sys.version}\n{platform.machine()}\n{processor_features()}\n".encode())
    try:
        mark.update(file.read_bytes())
    except OSError:
        mark.update(os.fsencode(file))
    return mark.hexdigest()


def _tried() -> tuple[str | None, bool]:
    """(None or the reason, whether it would be the same the next time)."""
    quiet = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows
    command = [sys.executable, "-I", "-c", _SCRIPT, json.dumps([str(one) for one in sys.path])]
    try:
        done = subprocess.run(  # the argument is no shell's
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT_SECONDS,
            creationflags=quiet,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"hnswlib gave no sign of life in {TIMEOUT_SECONDS:.0f} seconds", False
    except OSError as fault:
        return f"hnswlib could not be tried: {fault.strerror or fault}", False
    return _reason(done.returncode, done.stderr), True


def _reason(code: int, told: bytes) -> str | None:
    illegal = {-int(getattr(signal, "SIGILL", 4)), 0xC000001D, 0xC000001D - (1 << 32)}
    if code == 0:
        return None
    if code in illegal:
        return "hnswlib was built for another processor"
    lines = told.decode("utf-8", "replace").strip().splitlines()
    if code < 0 or not lines:
        return f"hnswlib ended its process with code {code}"
    return f"hnswlib does not work: {lines[-1]}"


def _cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("localsearch", appauthor=False) / "graph-trial.json"


def _kept(mark: str) -> str | None:
    """The answer kept for this mark ("" is: it works), or None."""
    try:
        kept = json.loads(_cache().read_text(encoding="utf-8"))
        return str(kept["answer"]) if kept["mark"] == mark else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(mark: str, answer: str) -> None:
    path = _cache()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps({"mark": mark, "answer": answer}).encode("utf-8"))
    except (OSError, LocalsearchError) as fault:
        _log.debug("the trial of hnswlib was not kept: %s", fault)
