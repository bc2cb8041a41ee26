"""What the README promises: no network, photos untouched, nothing written but the store."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import localsearch as ls
from tests.make_library import counts, open_library, write_photo
from tests.shared import needs_shared, shared

REPOSITORY = Path(__file__).resolve().parents[1]


def snapshot(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Path -> (mode, mtime, digest) of everything below a folder, the folders too."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_mtime_ns, digest)
    return found


def whole_life(photos: Path, store: Path) -> None:
    with open_library(photos, store=store) as library:
        library.sync()
        ids = [one.id for one in library.inputs("ok")]
        library.tag(ids, "pet")
        library.search(ls.like(photos / "a" / "0.png") | ls.concept("red"))
        library.predict(photos / "a" / "0.png")
        library.thumbnail(ids[0])
        library.remove(ids[0])
        library.restore(ids[0])
        library.remove(ids[1])
        library.purge(removed=True)
        library.sync()
        library.verify()
        library.status()


def test_photos_are_never_changed_moved_or_written_beside(photos: Path, tmp_path: Path) -> None:
    for n in range(6):
        write_photo(photos / "a" / f"{n}.png", n)
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    before, home = snapshot(photos), snapshot(tmp_path)
    whole_life(photos, tmp_path / "store")
    assert snapshot(photos) == before
    outside = {p for p in snapshot(tmp_path) if not p.startswith("store")}
    assert outside == set(home)


def test_the_store_inside_the_folder_is_all_that_is_written(photos: Path) -> None:
    for n in range(3):
        write_photo(photos / "a" / f"{n}.png", n)
    before = snapshot(photos)
    with open_library(photos) as library:
        library.sync()
    after = {p: facts for p, facts in snapshot(photos).items() if not p.startswith(".localsearch")}
    assert after == before


GUARDED = """
import os, sys
wrote = []
def hook(event, args):
    if event.startswith("socket.") and event not in ("socket.gethostname",):
        raise RuntimeError("a socket was opened: " + event)
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        wrote.append(os.path.abspath(os.fsdecode(args[0])) if not isinstance(args[0], int) else "")
sys.addaudithook(hook)
sys.path.insert(0, sys.argv[3])
from tests.test_promises import whole_life
from pathlib import Path
whole_life(Path(sys.argv[1]), Path(sys.argv[2]))
print("\\n".join(sorted(set(wrote))))
"""


def test_no_socket_is_ever_opened_and_no_other_file_written(photos: Path, tmp_path: Path) -> None:
    for n in range(4):
        write_photo(photos / "a" / f"{n}.png", n)
    store, cache = tmp_path / "store", tmp_path / "cache"
    (tmp_path / "tmp").mkdir()
    repository = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-B", "-c", GUARDED, str(photos), str(store), str(repository)],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "XDG_CACHE_HOME": str(cache),
            "LOCALAPPDATA": str(cache),
            "TMPDIR": str(tmp_path / "tmp"),
        },
    )
    assert done.returncode == 0, done.stderr
    allowed = (
        str(store),
        str(cache),
        str(tmp_path / "tmp"),
        os.devnull,
        str(Path.home() / "Library"),
    )
    strangers = [p for p in done.stdout.split("\n") if p and not p.startswith(allowed)]
    assert strangers == []


TRACED = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.test_promises import whole_life
whole_life(Path(sys.argv[2]), Path(sys.argv[3]))
time.sleep(float(sys.argv[4]))
"""


def watched_from_below(photos: Path, tmp_path: Path, seconds: float) -> None:
    """Under strace, which sees what libraries in C do, and with an eye on the cache folder.

    ONNX Runtime reports to its maker some ten seconds after it was loaded, unless it is told not
    to: no audit hook of Python sees that.
    """
    for n in range(3):
        write_photo(photos / "a" / f"{n}.png", n)
    cache, log = tmp_path / "cache", tmp_path / "trace"
    words = [str(REPOSITORY), str(photos), str(tmp_path / "store"), str(seconds)]
    strace = shutil.which("strace")
    watch = [strace, "-f", "-qq", "-e", "trace=network", "-o", str(log)] if strace else []
    done = subprocess.run(
        [*watch, sys.executable, "-B", "-c", TRACED, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(cache), "HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 0, done.stderr
    made = (
        {path.relative_to(cache).parts[0] for path in cache.rglob("*")} if cache.exists() else set()
    )
    assert made <= {"localsearch"}
    assert not (tmp_path / "home").exists()
    if strace:
        # A pair of sockets between threads of one process is no network.
        calls = [line for line in log.read_text().splitlines() if "AF_INET" in line]
        assert calls == []


def test_nothing_goes_out_below_python_either(photos: Path, tmp_path: Path) -> None:
    watched_from_below(photos, tmp_path, 0)


@pytest.mark.long
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_nothing_goes_out_later_either(photos: Path, tmp_path: Path) -> None:
    watched_from_below(photos, tmp_path, 20)


def test_the_guard_would_notice_a_socket() -> None:
    code = GUARDED.split("sys.path.insert")[0] + "import socket; socket.socket()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode != 0 and "a socket was opened" in done.stderr
    assert socket.AF_INET  # the module that the guard watches is there


def test_cloud_placeholders_are_never_read(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from localsearch.sources import walk

    write_photo(photos / "here.png", 1)
    away = write_photo(photos / "away.png", 2)
    real = walk.is_placeholder
    size = away.stat().st_size
    monkeypatch.setattr(
        walk, "is_placeholder", lambda status: status.st_size == size or real(status)
    )
    opened: list[str] = []

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == "open" and "away.png" in str(args[0]):
            opened.append(str(args[0]))

    sys.addaudithook(hook)
    with open_library(photos) as library:
        report = library.sync()
        assert (report.added, report.skipped) == (1, 1)
        states = {one.relative_path: one.state for one in library.inputs()}
        assert states == {"here.png": "ok", "away.png": "not-on-this-disk"}
        assert opened == []
        monkeypatch.undo()
        assert counts(library.sync()) == {"changed": 1, "unchanged": 1}


@needs_shared
def test_every_odd_picture_is_indexed_or_a_failure_with_a_reason(tmp_path: Path) -> None:
    import psutil

    rss = psutil.Process().memory_info().rss
    with open_library(shared("edge"), store=tmp_path / "store") as library:
        report = library.sync()
        files = [p for p in shared("edge").rglob("*") if p.is_file()]
        told = report.added + report.failed + report.skipped + report.moved
        assert told == len(files)
        assert all(one.reason for one in library.failures())
        assert report.added > 180
        assert library.verify() == ()
    assert psutil.Process().memory_info().rss - rss < 1 << 30


@needs_shared
def test_a_turned_picture_is_the_same_picture(tmp_path: Path) -> None:
    from localsearch.pack import available_packs

    if not any(pack.name == "general" for pack in available_packs()):
        pytest.skip("the built-in pack is not there")
    folder = shared("edge", "orientation")
    families = [
        sorted(folder.glob(f"{stem}_*.jpg"))
        for stem in ("exif_landscape", "pil_hopper_orientation", "vips")
    ]
    with ls.open(folder, store=tmp_path / "store", pack="general") as library:
        library.sync()
        checked = 0
        for family in families:
            for one in family[1:]:
                first = {c.id: c.value for c in library.predict(family[0], limit=5)}
                other = {c.id: c.value for c in library.predict(one, limit=20)}
                hits = {h.path: h.score for h in library.scan(ls.like(family[0]))}
                # Some of these pictures have their number painted in: like, not the same.
                assert hits[one] >= 0.85, one
                if "hopper" in one.name:
                    assert hits[one] >= 0.98, one
                    assert all(abs(other.get(i, 0) - value) < 0.15 for i, value in first.items())
                checked += 1
        assert checked == 7 + 6 + 7
