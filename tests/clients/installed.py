"""The old clients, each installed once into a folder of its own, outside the repository.

`LOCALSEARCH_TEST_CLIENTS` names the folder; else it lies in the home's cache. What cannot be
installed is a skip with the reason: no node, no registry.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

_HOME = Path.home()  # before any test says otherwise
_INSTALL_S = 240


def python_with(version: str, *pins: str) -> Path:
    """The interpreter of a virtual environment with that version of the Python client."""
    place = _folder() / f"python-{version}"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (place / "installed").exists():
        shutil.rmtree(place, ignore_errors=True)
        venv.create(place, with_pip=True, symlinks=os.name != "nt")
        wanted = (f"clarifai=={version}", *pins)
        quick = ("--retries", "1", "--timeout", "10", "--disable-pip-version-check", "-q")
        _install([str(python), "-m", "pip", "install", *quick, *wanted], place)
    return _that_starts(python)


@functools.cache
def _that_starts(python: Path) -> Path:
    """The same, if the client can be imported: it was written for interpreters of its time."""
    asked = [str(python), "-c", "import clarifai.rest.client"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        told = (done.stderr.strip().splitlines() or ["no reason told"])[-1]
        pytest.skip(f"the client does not start with Python {sys.version.split()[0]}: {told}")
    return python


def node_with(version: str) -> tuple[Path, Path]:
    """(node, folder with node_modules) of that version of the JavaScript client."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    place = _folder() / f"javascript-{version}"
    if not (place / "installed").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        (place / "package.json").write_text('{"private": true}', encoding="utf-8")
        quick = ("--fetch-retries", "1", "--fetch-timeout", "10000", "--no-audit", "--no-fund")
        _install([npm, "install", *quick, f"clarifai@{version}"], place)
    return Path(node), place


def _folder() -> Path:
    named = os.environ.get("LOCALSEARCH_TEST_CLIENTS")
    return Path(named) if named else _HOME / ".cache" / "localsearch-test-clients"


def _install(command: list[str], place: Path) -> None:
    """Run an installer; the mark is written last, so a half installed client is made anew."""
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, timeout=_INSTALL_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        pytest.skip(f"the client could not be installed: {fault}")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason told"])[-1]
        pytest.skip(f"the client could not be installed on {sys.platform}: {last}")
    (place / "installed").touch()
