"""Every command on a real library: what it prints, what it does, how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import localsearch as ls
from localsearch.cli import main

RED, GREEN, BLUE = (210, 40, 40), (50, 170, 60), (40, 70, 210)
COLOURS = {"red.png": RED, "green.png": GREEN, "blue.png": BLUE, "trip/red 2.png": RED}

Run = Callable[..., Any]


def paint(path: Path, colour: tuple[int, int, int], size: int = 64) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size, size), colour).save(path)


@pytest.fixture(autouse=True)
def _children_find_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(ls.__file__).parents[1]))


@pytest.fixture
def library(photos: Path, tiny_pack: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A synced library of four photos and one that cannot be decoded; the current folder."""
    for number, (name, colour) in enumerate(COLOURS.items()):
        paint(photos / name, colour, 64 + number)
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    ls.init(photos, pack=tiny_pack).close()
    monkeypatch.chdir(photos)
    assert main.run(["sync"]) == 0
    return photos


@pytest.fixture
def text(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run_text(*args: str) -> str:
        capsys.readouterr()
        assert main.run(list(args)) == 0
        return capsys.readouterr().out

    return run_text


def names(body: Any) -> list[str]:
    return sorted(Path(hit["path"]).name for hit in body["hits"])


def test_search_by_concept(library: Path, run: Run) -> None:
    body = run("search", "red")
    assert names(body) == ["red 2.png", "red.png"]
    assert (body["total"], body["page"]) == (2, 1)
    hit = body["hits"][0]
    assert Path(hit["path"]).is_absolute()
    assert len(hit["concepts"]) == 5
    assert hit["why"][0]["term"]
    assert names(run("search", "--concept", "red")) == names(body)
    assert names(run("search", "colour", "-red")) == ["blue.png", "green.png"]
    assert names(run("search", "-red")) == ["blue.png", "green.png"]
    assert "2020" in run("search", "-red", "-2020", code=2)["error"]["message"]
    assert names(run("search", "colour", "-(red or green)")) == ["blue.png"]
    assert names(run("search", "--not", "red")) == ["blue.png", "green.png"]
    assert names(run("search", "--any-of", "green,sky blue")) == ["blue.png", "green.png"]
    assert names(run("search", "red or green", "--not", "green")) == names(body)
    assert run("search", "red", "--concept", "green")["hits"] == []


def test_search_pages_are_cuts_of_all(library: Path, run: Run) -> None:
    everything = run("search", "colour", "--all")
    ids = [hit["id"] for hit in everything["hits"]]
    assert len(ids) == everything["total"] == 4
    pages = [run("search", "colour", "--limit", "3", "--page", str(n)) for n in (1, 2, 3)]
    assert [hit["id"] for page in pages for hit in page["hits"]] == ids
    assert [page["page"] for page in pages] == [1, 2, 3]
    high = run("search", "colour", "--all", "--min-score", "1.0")
    assert all(hit["score"] == 1.0 for hit in high["hits"])


def test_search_by_likeness(library: Path, run: Run, tmp_path: Path) -> None:
    body = run("search", "--like", "red.png")
    assert Path(body["hits"][0]["path"]).name.startswith("red")
    assert body["hits"][0]["score"] >= 0.9999
    best = run("search", "--like-id", body["hits"][0]["id"], "--limit", "1")
    assert best["hits"][0]["id"] == body["hits"][0]["id"]
    both = run("search", "green", "--like", "red.png")
    assert names(both) == ["green.png"]


def test_unusable_query_pictures_are_usage_errors(library: Path, run: Run) -> None:
    for name in ("nowhere.png", "broken.jpg"):
        error = run("search", "--like", name, code=2)["error"]
        assert error["code"] == "picture"
        assert name in error["message"]


def test_unknown_concepts_get_the_nearest(library: Path, run: Run) -> None:
    error = run("search", "gren", code=2)["error"]
    assert error["code"] == "unknown-concept"
    assert "green" in error["hint"]


def test_forms_of_output(library: Path, text: Callable[..., str]) -> None:
    lines = text("search", "red", "--format", "ndjson").splitlines()
    assert [json.loads(line)["score"] > 0 for line in lines] == [True, True]
    rows = list(csv.DictReader(io.StringIO(text("search", "red", "--format", "csv"))))
    assert {Path(row["path"]).name for row in rows} == {"red.png", "red 2.png"}
    table = text("search", "red").splitlines()
    assert len(table) == 2
    assert sum("red.png" in line for line in table) == 1
    assert str(library) not in table[0]  # paths are shown from here


def test_paths_come_out_exactly(library: Path) -> None:
    if os.name == "posix" and sys.platform != "darwin":
        paint(library / os.fsdecode(b"red\n\xff.png"), RED, 70)
    command = [sys.executable, "-m", "localsearch"]
    subprocess.run([*command, "sync"], check=True, capture_output=True)
    out = subprocess.run([*command, "search", "red", "-0"], check=True, capture_output=True).stdout
    found = {os.fsdecode(path) for path in out.split(b"\0")[:-1]}
    assert found == {str(path) for path in library.rglob("red*.png")}


def test_contact_sheet(library: Path, text: Callable[..., str], tmp_path: Path) -> None:
    target = tmp_path / "sheet.html"
    text("search", "red", "--sheet", str(target))
    html = target.read_text(encoding="utf-8")
    assert html.count("data:image/jpeg") == 2
    assert "red 2.png" in html


def test_a_sheet_that_cannot_be_written_is_a_clear_error(library: Path, run: Run) -> None:
    error = run("search", "red", "--sheet", "red.png/sheet.html", code=2)["error"]
    assert "cannot write" in error["message"]


def test_open_writes_below_the_cache_and_nowhere_else(
    library: Path, text: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: bool(opened.append(url)) or True)
    before = sorted(path.name for path in library.iterdir())
    text("search", "red", "--open")
    from platformdirs import user_cache_path

    (url,) = opened
    assert url.startswith(user_cache_path("localsearch", appauthor=False).as_uri())
    assert sorted(path.name for path in library.iterdir()) == before


def test_tags(library: Path, run: Run) -> None:
    body = run("tag", "holiday", "trip/red 2.png", str(library / "blue.png"))
    assert body["tag"] == "holiday"
    assert len(body["ids"]) == 2
    assert names(run("search", "--tag", "holiday")) == ["blue.png", "red 2.png"]
    run("tag", "holiday=false", "green.png")
    assert names(run("search", "--tag", "holiday=false")) == ["green.png"]
    run("tag", "holiday", "blue.png", "--forget")
    assert names(run("search", "--tag", "holiday")) == ["red 2.png"]


def test_show(library: Path, run: Run, text: Callable[..., str]) -> None:
    (one,) = run("show", "red.png")["inputs"]
    assert (one["state"], one["width"], one["relative_path"]) == ("ok", 64, "red.png")
    assert one["concepts"]
    assert run("show", one["id"])["inputs"][0]["id"] == one["id"]
    (bad,) = run("show", "broken.jpg")["inputs"]
    assert bad["state"] == "undecodable"
    assert bad["concepts"] == []
    shown = text("show", "red.png", "broken.jpg")
    assert one["id"] in shown
    assert "undecodable" in shown
    assert run("show", "nothing.png", code=3)["error"]["code"] == "library-missing"


def test_status_and_failures(library: Path, run: Run, text: Callable[..., str]) -> None:
    status = run("status")
    assert (status["inputs"], status["failed"], status["tail"]) == (5, 1, 4)
    assert status["store"] == str(library / ".localsearch")
    (failure,) = run("failures")["failures"]
    assert Path(failure["path"]).name == "broken.jpg"
    assert failure["state"] == "undecodable"
    assert failure["reason"]
    assert "broken.jpg" in text("failures")
    assert "photos" in text("status")


def test_remove_restore_and_purge(
    library: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    (id,) = run("remove", "red.png")["removed"]
    assert names(run("search", "red")) == ["red 2.png"]
    assert run("sync")["added"] == 0
    assert run("restore", id)["restored"] == [id]
    assert names(run("search", "red")) == ["red 2.png", "red.png"]
    run("remove", id)
    assert run("purge", "--removed", code=2)["error"]["code"] == "input"
    assert run("purge", "--removed", "--yes")["purged"] == 1
    assert (library / "red.png").exists()


def test_roots(library: Path, run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other"
    paint(other / "violet.png", (140, 60, 200))
    paint(other / "raw" / "green.png", GREEN, 50)
    added = run("roots", "add", str(other), "--name", "more", "--ignore", "raw/")["root"]
    assert (added["name"], added["path"], added["ignore"]) == ("more", str(other), ["raw/"])
    assert run("sync", str(other))["added"] == 1
    assert {root["name"]: root["inputs"] for root in run("roots")["roots"]} == {
        "photos": 5,
        "more": 1,
    }
    moved = tmp_path / "moved"
    other.rename(moved)
    assert run("roots", "move", "more", str(moved))["root"]["path"] == str(moved)
    assert run("roots", "drop", "more") == {"version": 1, "dropped": "more", "inputs": 1}
    assert run("roots", "drop", "more", code=3)["error"]["code"] == "library-missing"


def test_sync_of_single_files(library: Path, run: Run) -> None:
    paint(library / "white.png", (245, 245, 245))
    paint(library / "later.png", (15, 15, 15))
    report = run("sync", "white.png", "broken.jpg")
    assert report["added"] == 1
    assert names(run("search", "white")) == ["white.png"]
    assert run("sync", str(library.parent), code=2)["error"]["code"] == "input"


def test_strict_is_code_nine(library: Path, run: Run) -> None:
    (library / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 still no picture")
    assert run("sync", "--strict", code=9)["failed"] == 1


def test_dry_run_writes_nothing(photos: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    paint(photos / "red.png", RED)
    monkeypatch.chdir(photos)
    estimate = run("sync", "--dry-run")
    assert estimate["dry_run"] is True
    assert estimate["added"] == 1
    assert [path.name for path in photos.iterdir()] == ["red.png"]


def test_the_safety_stop_is_code_eight(library: Path, run: Run) -> None:
    for path in library.glob("*.png"):
        path.unlink()
    error = run("sync", code=8)["error"]
    assert error["code"] == "safety-stop"
    assert "--allow-removals" in error["message"] + error["hint"]
    assert run("sync", "--allow-removals")["missing"] == 3


def test_first_sync_makes_the_library_here(
    photos: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(photos / "red.png", RED)
    monkeypatch.chdir(photos)
    assert run("status", code=3)["error"]["code"] == "library-missing"
    assert run("sync")["added"] == 1
    assert (photos / ".localsearch").is_dir()
    assert run("sync")["unchanged"] == 1


def test_first_sync_of_a_folder_makes_the_library_there(
    photos: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(photos / "red.png", RED)
    monkeypatch.chdir(tmp_path)
    assert run("sync", "photos")["added"] == 1
    assert (photos / ".localsearch").is_dir()
    assert run("sync", "photos/red.png")["unchanged"] == 1


def test_the_library_is_named_before_after_or_by_environment(
    library: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = str(library / ".localsearch")
    assert run("--library", store, "status")["inputs"] == 5
    assert run("status", "--library", str(library))["inputs"] == 5
    monkeypatch.setenv("LOCALSEARCH_LIBRARY", store)
    assert run("status")["inputs"] == 5
    assert run("status", "--library", str(tmp_path / "no"), code=3)["error"]["hint"]


def test_init_with_a_store_elsewhere(
    photos: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(photos / "red.png", RED)
    store = tmp_path / "elsewhere"
    body = run("init", str(photos), "--store", str(store))
    assert body["store"] == str(store)
    assert [root["path"] for root in body["roots"]] == [str(photos)]
    assert run("--library", str(store), "sync")["added"] == 1
    assert [path.name for path in photos.iterdir()] == ["red.png"]
    assert run("init", str(photos), "--store", str(store), code=2)["error"]["code"] == "input"


def test_predict_needs_no_library(
    photos: Path, run: Run, text: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(photos / "red.png", RED)
    monkeypatch.chdir(photos)
    values = run("predict", "red.png")["concepts"]
    assert len(values) == 20
    assert set(values[0]) == {"id", "name", "value"}
    assert values[0]["name"] in text("predict", "red.png")
    assert [path.name for path in photos.iterdir()] == ["red.png"]
    assert run("predict", "none.png", code=2)["error"]["code"] == "picture"


def test_concepts(library: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (sky,) = run("concepts", "sky")["concepts"]
    assert (sky["name"], sky["synonyms"]) == ("sky blue", ["azure", "Cerulean"])
    monkeypatch.chdir(tmp_path)  # no library: those of the pack that a new one would have
    assert any(one["name"] == "dog" for one in run("concepts", "dog")["concepts"])


def test_packs_and_doctor(library: Path, run: Run, text: Callable[..., str]) -> None:
    assert "general" in [one["name"] for one in run("packs")["packs"]]
    assert run("packs", "list")["packs"] == run("packs")["packs"]
    assert run("packs", "show")["pack"]["classes"] == 1000
    assert run("packs", "verify", "general")["ok"] is True
    assert "training terms" in text("packs", "show", "--licences")
    assert run("packs", "show", "nonsense", code=6)["error"]["code"] == "pack-missing"
    checks = run("doctor")["checks"]
    assert {"store", "catalog", "inference"} <= {one["name"] for one in checks}
    assert set(checks[0]) == {"name", "ok", "found", "cure"}


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_an_interrupt_stops_cleanly_and_keeps_what_was_done(
    photos: Path, tiny_pack: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(400):
        paint(photos / f"{number}.png", (number % 250, 40, 40), 300)
    ls.init(photos, pack=tiny_pack).close()
    monkeypatch.chdir(photos)
    child = subprocess.Popen(
        [sys.executable, "-m", "localsearch", "sync", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    catalog = photos / ".localsearch" / "catalog.sqlite-wal"
    limit = time.monotonic() + 60
    while time.monotonic() < limit and not (catalog.exists() and catalog.stat().st_size > 50_000):
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode in (0, 130), err
    assert "Traceback" not in err
    report = json.loads(out)
    assert report["stopped"] is (child.returncode == 130)
    assert run("sync")["unchanged"] == report["added"]
    assert run("status")["inputs"] == 400


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")
def test_a_reader_that_had_enough_is_no_error(library: Path) -> None:
    for number in range(40):
        paint(library / f"more {number}.png", RED, 80 + number)
    command = f"'{sys.executable}' -m localsearch"
    subprocess.run(f"{command} sync", shell=True, check=True, capture_output=True)
    pipe = f"{command} search red --all --format ndjson | head -n 1"
    done = subprocess.run(pipe, shell=True, check=True, capture_output=True, encoding="utf-8")
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_purge_asks_and_takes_no_for_an_answer(
    library: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("remove", "red.png")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert main.run(["purge", "--removed"]) == 0
    assert run("status")["removed"] == 1
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert main.run(["purge", "--removed"]) == 0
    assert run("status")["removed"] == 0
