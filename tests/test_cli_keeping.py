"""verify, compact, backup, recover, export, import, and the filters of search: in pipes and on a
real terminal, what is printed and how it ends."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import localsearch as ls
from localsearch.cli import main, opening, query
from tests.make_library import write_photo

Run = Callable[..., Any]
DOCS = Path(ls.__file__).parent / "docs" / "COMMANDS.md"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(ls.__file__).parents[1])}


@pytest.fixture
def library(photos: Path, tiny_pack: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Eight photos in the current folder, two of them with metadata; synced."""
    for n in range(8):
        write_photo(photos / f"{n}.png", n)
    with ls.init(photos, pack=tiny_pack) as opened:
        opened.sync()
        ids = {str(one.relative_path): one.id for one in opened.inputs()}
        opened.update(ids["1.png"], metadata={"album": "home", "n": 1, "in": {"a b": True}})
        opened.update(ids["2.png"], metadata={"album": "away", "n": "1"})
    monkeypatch.chdir(photos)
    return photos


def piped(*args: str, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "localsearch", *args],
        cwd=cwd,
        env=ENVIRONMENT,
        input=stdin,
        capture_output=True,
        check=False,
    )


def on_a_terminal(*words: str, cwd: Path, say: str = "", columns: int = 80) -> tuple[int, str]:
    """(exit code, what stood on the screen) of a program that believes a person looks."""
    pty = pytest.importorskip("pty")
    import fcntl
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {**ENVIRONMENT, "TERM": "xterm", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    environment.pop("COLUMNS", None)
    child = subprocess.Popen(
        [sys.executable, *words],
        cwd=cwd,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        close_fds=True,
    )
    os.close(slave)
    os.write(master, say.encode())
    seen, until = b"", time.monotonic() + 120
    while time.monotonic() < until:
        ready, _, _ = select.select([master], [], [], 0.1)
        if ready:
            try:
                data = os.read(master, 65536)
            except OSError:  # the other side is closed
                break
            if not data:
                break
            seen += data
        elif child.poll() is not None:
            break
    code = child.wait(timeout=30)
    os.close(master)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    return code, text.replace("\r\n", "\n")


def command(*args: str, cwd: Path, say: str = "", columns: int = 80) -> tuple[int, str]:
    return on_a_terminal("-m", "localsearch", *args, cwd=cwd, say=say, columns=columns)


def names(body: Any) -> list[str]:
    return sorted(Path(hit["path"]).name for hit in body["hits"])


# ---------------------------------------------------------------- search


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (["--where", "album=home"], ["1.png"]),
        (["--where", "n=1"], ["1.png"]),
        (["--where", 'n="1"'], ["2.png"]),
        (["--where", "in.a b=true"], ["1.png"]),
        (["--where", 'in={"a b": true}'], ["1.png"]),
        (["--where", "album=home", "--where", "n=2"], []),
        (["--where", "album=NaN"], []),
        (["--taken", "2024-05"], []),
        (["--near", "48.1,11.6,500m"], []),
        (["--box", "1,2,3,4"], []),
        (["--camera", "Canon (EOS)"], []),
    ],
)
def test_filters(library: Path, run: Run, flags: list[str], found: list[str]) -> None:
    assert names(run("search", *flags)) == found
    # With TEXT both must hold; without the filter there are more.
    both = names(run("search", "colour", *flags))
    assert set(both) <= set(found)


def test_flags_are_sugar_for_the_grammar() -> None:
    flags = query.filters_of(
        ["album=home", "a.b=1"], "2024-05..2024-06", "48.1,11.6,5km", "1,2,3,4", "iPhone 12"
    )
    words = (
        "metadata:album=home metadata:a.b=1 taken:2024-05..2024-06 near:48.1,11.6,5km"
        ' box:1,2,3,4 camera:"iPhone 12"'
    )
    assert ls.And(tuple(flags)) == ls.parse(words)
    like = query.terms_of([], [], [], None, "my-cat", [], "0.1:0.2:0.6:0.9")
    assert like == [ls.parse("like-id:my-cat,region=0.1:0.2:0.6:0.9")]


@pytest.mark.parametrize(
    "args",
    [
        ("--where", "album"),
        ("--where", ".=1"),
        ("--near", "48.1"),
        ("--near", "48.1,11.6,5km) or (dog"),
        ("--taken", "May"),
        ("--taken", '2024"'),
        ("--box", "1,2,3"),
        ("--camera", ""),
        ("--region", "0:0:1:1"),
        ("--like", "0.png", "--region", "0:0:1"),
        ("--like", "0.png", "--region", "left"),
    ],
)
def test_flags_that_make_no_sense(library: Path, run: Run, args: tuple[str, ...]) -> None:
    body = run("search", *args, code=2)
    assert body["error"]["code"] in ("input", "query"), body
    assert body["error"]["hint"]


def test_a_region_is_of_the_picture(library: Path, run: Run) -> None:
    whole = run("search", "--like", "0.png", "--limit", "1")
    part = run("search", "--like", "0.png", "--region", "0:0:0.5:0.5", "--all")
    assert names(whole) == ["0.png"]
    assert part["total"] == 8
    scores = {Path(hit["path"]).name: hit["score"] for hit in part["hits"]}
    assert scores["0.png"] < whole["hits"][0]["score"]


def test_explain_for_programs(library: Path, run: Run) -> None:
    body = run("search", "colour", "--where", "album=home", "--explain")
    explain = body["explain"]
    assert set(explain) == {"tree", "route", "total", "milliseconds", "notes"}
    assert "metadata:album=home" in body["query"]
    children = explain["tree"]["children"]
    assert len(children) >= 2
    for part in (explain["tree"], *children):
        assert set(part) == {"term", "estimate", "rows", "milliseconds", "note", "children"}
    assert explain["total"] == run("search", "colour", "--where", "album=home")["total"]


@pytest.mark.parametrize("more", [("--all",), ("--page", "2"), ("--sheet", "x.html"), ("-0",)])
def test_explain_is_asked_for_no_hits(library: Path, more: tuple[str, ...]) -> None:
    done = piped("search", "colour", "--explain", *more, cwd=library)
    assert done.returncode == 2 and b"--explain" in done.stderr and not done.stdout
    assert not (library / "x.html").exists()


def test_explain_for_people(library: Path) -> None:
    code, text = command("search", "colour -red", "--explain", cwd=library)
    assert code == 0
    lines = [line.rstrip() for line in text.splitlines()]
    assert lines[0].split() == ["Part", "Expected", "Rows", "Time", "How"]
    assert any(line.startswith("|- ") for line in lines)
    assert any(line.startswith("`- ") for line in lines)
    route = next(line for line in lines if line.startswith("route "))
    assert re.fullmatch(r"route [\w, ]+: \d+ photos? in [\d.]+ ms", route)
    assert all(len(line) <= 80 for line in lines)
    plain = piped("search", "colour -red", "--explain", cwd=library).stdout.decode()
    assert "Part" not in plain and "`- " in plain
    assert piped("search", "red", "--explain", "--format", "csv", cwd=library).returncode == 2


# ---------------------------------------------------------------- verify, compact


def test_verify_says_so(library: Path, run: Run) -> None:
    assert run("verify") == {"version": 1, "ok": True, "findings": []}
    assert command("verify", cwd=library) == (0, "all is well\n")
    done = piped("verify", cwd=library)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"all is well\n", b"")


@pytest.mark.damages
def test_verify_finds_and_mends(library: Path, run: Run) -> None:
    for path in (library / ".localsearch").glob("features-*.sqlite*"):
        path.unlink()
    code, text = command("verify", cwd=library, columns=120)
    assert code == 7
    assert "feature-missing" in text and "localsearch verify --repair" in text
    assert "8 findings; 8 cost time only, 0 are losses" in text
    body = run("verify", code=7)
    assert body["ok"] is False
    assert set(body["findings"][0]) == {"code", "where", "message", "derived", "repaired"}
    code, text = command("verify", "--repair", cwd=library, columns=120)
    assert code == 0
    assert "8 findings, 8 repaired" in text
    assert run("verify")["ok"] is True


@pytest.mark.damages
def test_a_damaged_catalog_is_for_recover(library: Path, run: Run) -> None:
    assert run("backup", "../file")["inputs"] == 8
    path = library / ".localsearch" / "catalog.sqlite"
    path.write_bytes(b"no database at all" * 1000)
    error = run("verify", code=7)["error"]
    assert "localsearch recover" in error["hint"]
    done = run("recover", "../file", "--yes")
    assert Path(done["replaced"]).parent == library
    assert run("verify")["ok"] is True


def test_compact(library: Path, run: Run) -> None:
    body = run("compact")
    assert {"segments", "rows", "graph", "seconds", "stopped", "notes"} <= set(body)
    assert body["rows"] == 8
    code, text = command("compact", cwd=library)
    assert code == 0
    assert "0 segments with 8 photos in" in text


# ---------------------------------------------------------------- backup, recover


def test_backup_asks_before_it_replaces(library: Path, run: Run) -> None:
    file = library.parent / "file"
    body = run("backup", str(file))
    assert body["file"] == str(file)
    assert (body["bytes"], body["inputs"]) == (file.stat().st_size, 8)
    first = file.read_bytes()
    assert run("backup", str(file), code=2)["error"]["hint"] == "give --yes"
    code, text = command("backup", str(file), cwd=library, say="n\n", columns=300)
    assert (code, "nothing was written" in text) == (0, True), text
    assert f"Replace {file}? [y/N]" in text
    assert file.read_bytes() == first
    (library / "9.png").write_bytes((library / "1.png").read_bytes())
    assert main.run(["sync"]) == 0
    code, text = command("backup", str(file), cwd=library, say="y\n", columns=300)
    assert (code, "9 photos in" in text) == (0, True), text
    assert file.read_bytes() != first
    assert run("backup", str(file), "--yes")["inputs"] == 9


def test_recover_asks_before_it_sets_aside(library: Path, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    run("backup", str(file))
    before = sorted(path.name for path in library.iterdir())
    assert "set aside" in run("recover", str(file), code=2)["error"]["message"]
    code, text = command("recover", str(file), cwd=library, say="n\n", columns=300)
    assert (code, "nothing was changed" in text) == (0, True), text
    assert sorted(path.name for path in library.iterdir()) == before
    code, text = command("recover", str(file), cwd=library, say="y\n", columns=300)
    assert code == 0, text
    (aside,) = library.glob(".localsearch-replaced-*")
    assert str(aside) in text
    assert "next: localsearch --library" in text
    body = run("recover", str(file), "--store", str(tmp_path / "again"))
    assert (body["store"], body["replaced"]) == (str(tmp_path / "again"), None)
    assert run("search", "colour", "--library", body["store"])["total"] > 0


@pytest.mark.parametrize("args", [("backup",), ("recover",), ("import",)])
def test_a_file_must_be_named(library: Path, run: Run, args: tuple[str, ...]) -> None:
    assert run(*args, code=2)["error"]["code"] == "usage"


def test_files_that_are_none(library: Path, run: Run) -> None:
    assert run("recover", "nothing", code=2)["error"]["code"] == "input"
    assert run("import", "nothing", code=2)["error"]["code"] == "input"
    assert run("backup", "no/such/folder/file", code=2)["error"]["code"] == "input"
    assert run("backup", ".", code=2)["error"]["code"] == "input"
    assert run("backup", "-", code=2)["error"]["code"] == "input"
    assert run("recover", "0.png", code=7)["error"]["code"] == "library-damaged"


# ---------------------------------------------------------------- export, import


def test_export_in_a_pipe_is_all_and_nothing_else(library: Path) -> None:
    done = piped("export", cwd=library)
    assert (done.returncode, done.stderr) == (0, b"")
    head, *lines = map(json.loads, done.stdout.splitlines())
    assert (head["version"], head["inputs"], len(lines)) == (1, 8, 8)
    table = piped("export", "-", "--format", "csv", cwd=library).stdout.decode().splitlines()
    assert table[0].startswith("id,root,relative_path,path,state,removed,digest")
    assert len(table) == 9
    rich = piped("export", "--concepts", "--vectors", cwd=library).stdout.splitlines()
    assert {"concepts", "vector_f16_b64"} <= set(json.loads(rich[1]))


def test_export_to_a_reader_that_has_enough(library: Path) -> None:
    words = f'"{sys.executable}" -m localsearch export | head -c 10'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", words],
        cwd=library,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_export_to_a_file(library: Path, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "list"
    assert run("export", str(file)) == {"version": 1, "file": str(file), "inputs": 8}
    assert run("export", str(file), code=2)["error"]["hint"] == "give --yes"
    assert run("export", str(file), "--yes", "--format", "csv")["inputs"] == 8
    assert run("export", code=2)["error"]["code"] == "input"
    assert run("export", "x", "--format", "csv", "--vectors", code=2)["error"]["code"] == "input"
    code, text = command("export", str(tmp_path / "other"), cwd=library, columns=300)
    assert (code, text.splitlines()[-1]) == (0, f"8 inputs written to {tmp_path / 'other'}")


def test_import_tells_line_by_line(library: Path, run: Run, tmp_path: Path) -> None:
    list_ = b"path,tags\n0.png,pet\nnope.png,pet\n1.png,a=maybe\n"
    dry = piped("import", "-", "--dry-run", cwd=library, stdin=list_)
    assert dry.stdout.decode().splitlines() == [
        "dry run, nothing was written: 3 lines: 1 matched, 1 changed, 1 unknown, 1 failed",
        "line 3: unknown: nope.png",
        "line 4: failed: a tag is true or false, not 'maybe'",
    ]
    assert run("search", "--tag", "pet")["total"] == 0
    (tmp_path / "list").write_bytes(list_)
    body = run("import", str(tmp_path / "list"))
    assert body["unknown_lines"] == [{"line": 3, "name": "nope.png"}]
    assert body["failures"] == [{"line": 4, "reason": "a tag is true or false, not 'maybe'"}]
    assert run("search", "--tag", "pet")["total"] == 1
    run("import", str(tmp_path / "list"), "--strict", code=9)
    plain = write_photo(tmp_path / "new.png", 70)
    (tmp_path / "more").write_text(json.dumps({"path": str(plain), "id": "mine"}) + "\n")
    assert run("import", str(tmp_path / "more"), "--add")["added"] == 1
    assert run("show", "mine")["inputs"][0]["path"] == str(plain)


def test_what_only_counts_needs_no_right_to_write(
    library: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list").write_text('{"path": "0.png", "tags": ["pet"]}\n')
    may = os.access  # a test may be root
    store = library / ".localsearch"
    monkeypatch.setattr(opening.os, "access", lambda path, mode: path != store and may(path, mode))
    opened: list[bool] = []
    real = ls.open
    monkeypatch.setattr(
        ls, "open", lambda *args, **more: opened.append(more["read_only"]) or real(*args, **more)
    )
    assert run("import", str(tmp_path / "list"), "--dry-run")["changed"] == 1
    assert opened == [True]


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize(
    "name", ["export FILE", "import", "verify", "compact", "backup", "recover", "status"]
)
def test_the_keys_are_documented(library: Path, run: Run, tmp_path: Path, name: str) -> None:
    file = tmp_path / "file"
    words = name.split()[0]
    if words in ("import", "recover"):
        run("export" if words == "import" else "backup", str(file))
    args = {
        "export": [str(file)],
        "import": [str(file)],
        "backup": [str(file)],
        "recover": [str(file), "--yes"],
    }
    body = run(words, *args.get(words, []))
    (row,) = re.findall(rf"^\| `{name}` \|(.*)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    told = re.sub(r"\{[^}]*\}", "", row)
    assert set(body) - {"version"} <= set(re.findall(r"`(\w+)", told)), name


BAR = """
import sys, time, localsearch as ls
from localsearch.cli.progress import progress_bar
with progress_bar(after=float(sys.argv[1])) as draw:
    draw(ls.Progress("backup", 10**6, 2 * 10**6, current="thumbs.sqlite", per_second=5e5))
    time.sleep(0.3)
print("rich" in sys.modules)
"""


@pytest.mark.parametrize(("after", "drawn"), [("0", True), ("60", False)])
def test_a_bar_is_drawn_once_it_takes_long(tmp_path: Path, after: str, drawn: bool) -> None:
    code, text = on_a_terminal("-c", BAR, after, cwd=tmp_path, columns=100)
    assert code == 0
    assert ("1.0 MB/2.0 MB" in text) is drawn
    assert ("500 kB/s" in text) is drawn
    assert text.splitlines()[-1] == str(drawn)
