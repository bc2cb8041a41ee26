"""The command line at its edges: narrow terminals, closed and full outputs, odd words, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import shutil
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
from localsearch.cli import hints, layout, main, progress

POSIX = pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals and shells of POSIX")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes, /dev/full")
RAW = os.fsdecode(b"bad\xff.png")
PROGRAM = [sys.executable, "-m", "localsearch"]


@pytest.fixture(scope="module")
def template(tiny_pack: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("edges") / "photos"
    folder.mkdir()
    names = ["red.png", "-dash.png", "a photo with a rather long name, as cameras give.png"]
    names += [RAW] if sys.platform == "linux" else []
    for number, name in enumerate(names):
        Image.new("RGB", (64 + number, 64), (210, 40, 40)).save(folder / name)
    with ls.init(folder, pack=tiny_pack) as library:
        library.sync()
    return folder


@pytest.fixture
def library(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "photos"
    shutil.copytree(template, folder)
    monkeypatch.setenv("PYTHONPATH", str(Path(ls.__file__).parents[1]))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def ended(library: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def run(*args: str, code: int) -> Any:
        capsys.readouterr()
        assert main.run(list(args)) == code, capsys.readouterr()
        return capsys.readouterr()

    return run


def shell(line: str) -> subprocess.CompletedProcess[str]:
    program = " ".join(f"'{word}'" for word in PROGRAM)
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("L ", f"{program} ")],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
    )


def on_terminal(columns: int, *args: str) -> str:
    """What a command prints on a terminal of that width, without colours."""
    import fcntl
    import pty
    import struct
    import termios

    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    environment.pop("COLUMNS", None)
    with subprocess.Popen(
        [*PROGRAM, *args], stdout=child, stderr=child, stdin=child, env=environment
    ) as process:
        os.close(child)
        told = b""
        try:
            while part := os.read(parent, 65536):
                told += part
        except OSError:  # Linux tells the end of a terminal so
            pass
        os.close(parent)
    assert process.returncode == 0, told
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told.decode()).replace("\r", "")


@POSIX
@pytest.mark.parametrize("columns", [40, 50, 60, 80, 100])
def test_a_narrow_terminal_keeps_score_and_bar(library: Path, columns: int) -> None:
    lines = on_terminal(columns, "search", "red").splitlines()
    assert "Score" in lines[0]
    assert ("Concepts" in lines[0]) is (columns > 50)
    assert len(lines) == 1 + len(list(library.glob("*.png")))
    for line in lines[1:]:
        assert re.match(r"█\S*\s+[01]\.\d{3}\s+\S", line), line
        assert len(line) <= columns


def test_columns_give_room_in_their_order() -> None:
    gives: list[layout.Gives] = ["never", "late", "first"]
    assert layout.fitted([5, 20, 30], gives, 100) == [5, 20, 30]
    assert layout.fitted([5, 20, 30], gives, 49) == [5, 20, 20]
    assert layout.fitted([5, 20, 30], gives, 30) == [5, 20, 0]
    assert layout.fitted([5, 20, 30], gives, 20) == [5, 13, 0]
    assert layout.cut("abcdef", 4, len, "front") == "…def"
    assert layout.cut("abcdef", 4, len, "end") == "abc…"


def test_an_interrupted_dry_run_tells_no_numbers(
    ended: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate = ls.Library.estimate

    def interrupted(self: ls.Library, **options: Any) -> ls.SyncEstimate:
        signal.raise_signal(signal.SIGINT)
        return estimate(self, **options)

    monkeypatch.setattr(ls.Library, "estimate", interrupted)
    assert ended("sync", "--dry-run", code=130).out == ""
    error = json.loads(ended("sync", "--dry-run", "--json", code=130).out)["error"]
    assert error["code"] == "interrupted"


@POSIX
@pytest.mark.parametrize("imported", ["typer", "localsearch.cli", "re"])
def test_an_interrupt_during_imports_is_quiet(tmp_path: Path, imported: str) -> None:
    hook = (
        "import sys, os, signal\n"
        "class Hook:\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name == {imported!r} and 'signal' in sys.modules:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Hook())\n"
        f"sys.modules.pop({imported!r}, None)\n"
        "from localsearch.__main__ import main\n"
        "sys.argv = ['localsearch', '--version']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", hook],
        capture_output=True,
        cwd=Path(ls.__file__).parents[1],
    )
    assert (done.returncode, done.stderr) == (130, b"")


def test_options_keep_values_that_begin_with_a_minus(
    library: Path, ended: Callable[..., Any]
) -> None:
    body = json.loads(ended("search", "--like", "-dash.png", "--json", code=0).out)
    assert body["total"]
    ended("search", "red", "--sheet", "-o.html", code=0)
    assert (library / "-o.html").is_file()
    error = json.loads(ended("search", "red", "--json", "--library", "-q", code=3).out)["error"]
    assert str(library / "-q") in error["message"]
    assert ended("search", "colour", "-red", code=0).out == ""
    assert ended("search", "--", "-red", code=0).out == ""


@POSIX
@pytest.mark.parametrize(
    "words", ["--help", "search --help", "concepts", "search red", "doctor", "packs show --json"]
)
def test_a_closed_pipe_is_quiet(library: Path, words: str) -> None:
    # `exec >&-` in the reader: nothing is ever read, so that every write fails.
    done = shell(f"(L {words}; echo $? >code) | true")
    limit = time.monotonic() + 30
    while not (library / "code").exists() and time.monotonic() < limit:
        time.sleep(0.05)
    assert (library / "code").read_text().strip() == "0"
    assert done.stderr == ""


@LINUX
@pytest.mark.parametrize("words", ["--help", "status", "status --json", "search red -0"])
def test_a_full_output_is_code_five(library: Path, words: str) -> None:
    done = shell(f"L {words} >/dev/full")
    assert done.returncode == 5
    assert done.stderr.startswith("error: the output cannot be written: ")
    assert done.stderr.count("\n") == 1


@POSIX
@pytest.mark.parametrize("words", ["--help", "status", "search red -0", "search nonsense"])
def test_streams_that_are_closed_end_quietly(library: Path, words: str) -> None:
    plain = shell(f"L {words}")
    done = shell(f"L {words} >&-")
    assert (done.returncode, done.stderr) == (plain.returncode, plain.stderr)
    assert shell(f"L {words} 2>&- <&-").returncode == plain.returncode


def test_json_before_a_subcommand_is_json_after_it(ended: Callable[..., Any]) -> None:
    for words in (["packs", "--json", "show", "general"], ["--json", "packs", "show", "general"]):
        assert json.loads(ended(*words, code=0).out)["pack"]["name"] == "general"
    assert json.loads(ended("roots", "--json", "add", ".", code=0).out)["root"]["path"]
    assert json.loads(ended("--json", "status", code=0).out)["inputs"]


@pytest.mark.parametrize("form", [["--format", "json"], ["--format=ndjson"], ["--json"]])
def test_errors_are_documents_in_every_json_form(
    form: list[str], ended: Callable[..., Any]
) -> None:
    told = ended("search", "rde", *form, code=2)
    assert json.loads(told.out)["error"]["code"] == "unknown-concept"
    assert told.err == ""


def test_a_page_beyond_the_end_says_so(ended: Callable[..., Any], library: Path) -> None:
    total = len(list(library.glob("*.png")))
    told = ended("search", "red", "--page", "9", code=0)
    assert told.out == ""
    assert told.err == f"{total} photos match; the last page is 1\n"
    told = ended("search", "red", "--page", "9", "--limit", "2", "--format", "paths", code=0)
    assert told.err == f"{total} photos match; the last page is 2\n"


def test_all_has_no_pages(ended: Callable[..., Any]) -> None:
    for more in (["--page", "1"], ["--limit", "20"]):
        assert "--all" in ended("search", "red", "--all", *more, code=2).err
    ended("search", "red", "--all", code=0)


def test_what_is_not_there_is_named(
    ended: Callable[..., Any], library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("nope.png", "nowhere", "trip [1]"):
        assert f"{library / name} is not there" in ended("sync", name, code=2).err
    assert "nope.jpg" in ended("search", "like:nope.jpg", code=2).err
    monkeypatch.setenv("HOME", str(library))
    monkeypatch.setenv("USERPROFILE", str(library))
    assert "red.png" in ended("search", "like:~/red.png", code=0).out
    (library / "red.png").unlink()
    assert "1 missing" in ended("sync", "red.png", code=0).out
    ended("sync", "red.png", code=0)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert "nowhere is not there" in ended("sync", "nowhere", code=2).err


def test_hints_fit_what_was_named(
    ended: Callable[..., Any], library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none").mkdir()
    error = ended("status", "--library", str(tmp_path / "none"), code=3).err
    assert f'localsearch init "{tmp_path / "none"}"' in error
    assert f"init {tmp_path}\n" not in error
    assert f'init "{tmp_path}"' not in error
    error = ended("init", code=2).err
    assert "sync" in error and "roots add" in error and "delete" not in error
    error = ended("sync", str(Path(sys.executable)), code=2).err
    assert "roots add" not in error
    for path in library.glob("*.png"):
        path.unlink()
    (library / "new.png").write_bytes(b"no picture")
    monkeypatch.chdir(tmp_path)
    if sys.platform == "linux":  # more than two photos
        error = ended("--library", str(library), "sync", code=8).err
        assert f'localsearch --library "{library}" sync --allow-removals' in error


def test_no_hint_speaks_of_arguments_of_python() -> None:
    told = []
    for kind in (ls.LibraryBusy, ls.LibraryReadOnly, ls.LibraryMissing, ls.LibraryDamaged):
        for hint in (
            "open the library with read_only=True",
            "waited 10 s; try again, or raise lock_timeout",
            "sync once without read_only",
        ):
            told.append(hints.hint_of(kind("it went wrong", hint=hint), None))
    assert all(told)
    full = ls.LibraryFull("no space", hint="free some, or open it with read_only=True")
    assert hints.hint_of(full, None) == "free some space, then try again"
    assert not [one for one in told if re.search("read_only|lock_timeout|=", one)]
    house = Path(ls.__file__).parent / "_packs" / "general"
    damaged = ls.PackDamaged(f"{house / 'x.onnx'} is damaged", hint="install the pack anew")
    assert "pip install --force-reinstall localsearch" in hints.hint_of(damaged, None)
    other = ls.PackDamaged("/mine/x.onnx is damaged", hint="install the pack anew")
    assert hints.hint_of(other, None) == "install the pack anew"


def test_tags_are_told_as_they_are_kept(ended: Callable[..., Any]) -> None:
    body = json.loads(ended("tag", "new\nline", "red.png", "red.png", "--json", code=0).out)
    assert (body["tag"], len(body["ids"])) == ("new line", 1)
    assert ended("tag", "NEW  line", "red.png", code=0).out == "tagged 1: new line\n"
    assert ended("tag", "new\nline", "red.png", "--forget", code=0).out == "untagged 1: new line\n"
    assert ended("search", "--tag", "new line", code=0).out == ""


def test_names_in_errors_are_cut(ended: Callable[..., Any]) -> None:
    long = "n" * 500
    assert len(ended("roots", "drop", long, code=3).err) < 250
    assert len(ended("tag", f"{long}=maybe", "red.png", code=2).err) < 250


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["red or"], 'a word is missing after "or"'),
        (["or"], 'a word is missing before "or"'),
        (["red", "and"], 'a word is missing after "and"'),
        (["(red or )"], 'a word is missing after "or"'),
        (["--like", ""], "--like names no file"),
    ],
)
def test_the_parser_speaks_plainly(words: list[str], told: str, ended: Callable[..., Any]) -> None:
    assert told in ended("search", *words, code=2).err


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="root writes everywhere")
def test_a_folder_without_rights_is_code_five(ended: Callable[..., Any], library: Path) -> None:
    (library / "locked").mkdir(0o500)
    assert "cannot write" in ended("search", "red", "--sheet", "locked/o.html", code=5).err


@LINUX
def test_a_sheet_on_a_full_disk_is_code_five(
    ended: Callable[..., Any], library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = json.loads(ended("search", "red", "--sheet", "/dev/full", "--json", code=5).out)[
        "error"
    ]
    assert (error["code"], "/dev/full" in error["message"]) == ("disk-full", True)
    (library / "cache" / "localsearch").mkdir(parents=True)
    (library / "cache" / "localsearch" / "sheets").symlink_to("/proc/self")
    monkeypatch.setenv("XDG_CACHE_HOME", str(library / "cache"))
    told = ended("search", "red", "--open", code=5)
    assert "red.png" in told.out
    assert "cannot write" in told.err


@LINUX
def test_photos_whose_names_are_no_text(ended: Callable[..., Any], library: Path) -> None:
    (shown,) = json.loads(ended("show", RAW, "--json", code=0).out)["inputs"]
    assert json.loads(ended("tag", "odd", RAW, "--json", code=0).out)["ids"] == [shown["id"]]
    assert json.loads(ended("remove", RAW, "--json", code=0).out)["removed"] == [shown["id"]]
    ended("restore", RAW, code=0)
    assert json.loads(ended("search", "--like", RAW, "--json", code=0).out)["total"]
    ended("show", os.fsdecode(b"none\xff"), code=3)
    ended("search", "--like-id", os.fsdecode(b"t\xff"), code=3)
    ended("roots", "add", ".", "--name", os.fsdecode(b"x\xff"), code=2)
    ended("tag", os.fsdecode(b"x\xff"), "red.png", code=2)
    ended("search", "--tag", os.fsdecode(b"x\xff"), code=2)
    ended("search", os.fsdecode(b"x\xff"), code=2)
    ended("search", "--not", os.fsdecode(b"x\xff"), code=2)
    ended("concepts", os.fsdecode(b"x\xff"), code=0)
    assert json.loads(ended("purge", RAW, "--yes", "--json", code=0).out)["purged"] == 1


@LINUX
def test_accents_in_a_locale_of_ascii(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LC_ALL", "C"), ("PYTHONUTF8", "0"), ("PYTHONCOERCECLOCALE", "0")):
        monkeypatch.setenv(name, value)
    shutil.copy("red.png", "café.png".encode())
    for words in ("sync", "tag été café.png", "search --tag été", "show café.png", "status"):
        done = shell(f"L {words}")
        assert done.returncode == 0, (words, done)
    assert "café.png" in shell("L search --tag été").stdout
    assert json.loads(shell("L tag été café.png --json").stdout)["tag"] == "été"
    assert shell("L search cafetiére").returncode == 2


def test_doctor_sums_up(ended: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from localsearch import doctor

    checks = [doctor.Check("a", True, "x"), doctor.Check("b", False, "y", "z")]
    monkeypatch.setattr(doctor, "examine", lambda store: checks)
    assert ended("doctor", code=0).out.splitlines()[-1] == "1 of 2 checks failed"
    monkeypatch.setattr(doctor, "examine", lambda store: checks[:1])
    assert ended("doctor", code=0).out.splitlines()[-1] == "no check failed"


def test_purge_counts_one_photo(ended: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda text: bool(asked.append(text)))
    ended("purge", "red.png", code=0)
    ended("purge", "red.png", "-dash.png".replace("-", "./-"), code=0)
    assert asked[0] == "Forget 1 named photo with all its tags for good?"
    assert asked[1] == "Forget 2 named photos with all their tags for good?"


def test_there_is_a_bar_only_on_a_terminal() -> None:
    with progress.progress_bar() as draw:
        assert draw is None
