"""The examples for apps do what they show, each as a program of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.make_library import write_photo

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLES = Path(__file__).resolve().parent / "examples"
DEMO = REPOSITORY / "localsearch" / "_demo" / "photos"

pytestmark = pytest.mark.skipif(
    not (REPOSITORY / "weights" / "general" / "pack.toml").is_file(),
    reason="the built-in pack is not in this checkout",
)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder with the demo's fifteen photos."""
    shutil.copytree(DEMO, tmp_path / "album")
    return tmp_path / "album"


def run(name: str, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, words)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=240,
        env={**os.environ, **environment},
    )


def printed(name: str, *words: object, **environment: str) -> list[str]:
    done = run(name, *words, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def needs(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        importlib.util.find_spec(package) is None,
        reason=f"{package} is not installed: pip install '.[apps]'",
    )


def test_every_example_has_a_test() -> None:
    tests = Path(__file__).read_text(encoding="utf-8")
    for path in EXAMPLES.rglob("*.py"):
        assert path.name in tests


def test_plain_loop_stops_and_goes_on(album: Path) -> None:
    for number in range(120):  # more than can be on the way when it is stopped
        write_photo(album / f"{number}.png", number)
    stopped = printed("plain_loop.py", album, "--stop-after", 2)
    assert stopped[-1] == "stopped; run again to go on"
    (some,) = [line for line in stopped if "added" in line]
    added = int(some.split()[0])
    assert 2 <= added < 135
    lines = printed("plain_loop.py", album, "--query", "dog")
    assert f"{135 - added} added, {added} unchanged, 0 failed" in lines
    assert any(re.match(r"read: \d+/\d+", line) for line in lines)
    (found,) = [n for n, line in enumerate(lines) if re.match(r"\d+ photos for dog", line)]
    assert lines[found + 1].endswith("dog.jpg")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are other things there")
def test_plain_loop_heeds_an_interrupt(album: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "plain_loop.py"), str(album)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert any(line.startswith("read") for line in process.stdout)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0 and "Traceback" not in err
    assert out.splitlines()[-1] == "stopped; run again to go on"


def test_asyncio_worker(album: Path) -> None:
    lines = printed("asyncio_worker.py", album)
    assert "15 photos" in lines and any(line.startswith("read: ") for line in lines)
    dogs, others = (line for line in lines if "[" in line)
    assert "'dog.jpg'" in dogs.split(",")[0] and "dog" not in others
    assert lines[-1] == "the first search was called off"


def test_second_process(album: Path) -> None:
    lines = printed("second_process.py", album)
    assert lines[-1] == "both know the same 14 photos, 1 of them with pets"


@needs("PySide6")
def test_qt_window(album: Path) -> None:
    lines = printed("qt_window.py", album, "--query", "dog", "--close", QT_QPA_PLATFORM="offscreen")
    assert re.fullmatch(r"(\d+) photos \1 shown", lines[0])
    assert lines[1].endswith("dog.jpg True")
    assert all(line.endswith("True") for line in lines[1:])  # each with a picture


@needs("PySide6")
def test_qt_window_shows_errors_as_sentences(album: Path) -> None:
    words = ("--query", "dgo", "--close")
    lines = printed("qt_window.py", album, *words, QT_QPA_PLATFORM="offscreen")
    assert "dog" in lines[0] and lines[0].endswith(" 0 shown")


@pytest.mark.long
@pytest.mark.timeout(900)
@needs("PyInstaller")
def test_frozen_program_in_an_empty_environment(album: Path, tmp_path: Path) -> None:
    """Built from frozen/app.py; run where there is no Python, no PATH, no home, no cache."""
    build = [
        *(sys.executable, "-m", "PyInstaller", "--onedir", "--noconfirm", "--log-level", "ERROR"),
        *("--distpath", str(tmp_path / "dist"), "--workpath", str(tmp_path / "build")),
        *("--specpath", str(tmp_path)),
        # The entry point names it too; a checkout that was installed before has none.
        *("--additional-hooks-dir", str(REPOSITORY / "localsearch" / "__pyinstaller")),
        str(EXAMPLES / "frozen" / "app.py"),
    ]
    made = subprocess.run(build, capture_output=True, text=True, timeout=700)
    assert made.returncode == 0, made.stderr
    program = tmp_path / "elsewhere"
    (tmp_path / "dist" / "app").rename(program)
    environment = {"PATH": "", "HOME": str(tmp_path / "no-home")}
    if sys.platform == "win32":
        environment = {"PATH": "", "SYSTEMROOT": os.environ["SYSTEMROOT"]}
    began = time.monotonic()
    done = subprocess.run(
        [str(program / "app"), str(album), str(tmp_path / "store"), "dog"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert (program / "_internal" / "localsearch" / "_packs" / "general" / "pack.toml").is_file()
    found = json.loads(done.stdout)
    assert (found["added"], found["failed"], found["best"]) == (15, 0, "dog.jpg")
    assert found["like"] == "dog.jpg" and found["pack"].startswith("general")
    assert not list((program / "_internal").glob("typer*")), time.monotonic() - began
    assert album.is_dir() and not (album / ".localsearch").exists()
