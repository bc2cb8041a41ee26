"""How errors end: every one has an exit code, a message and no traceback."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest

import localsearch as ls
from localsearch.cli import main
from localsearch.cli.progress import polite_interrupt


def tree_of(error: type[ls.LocalsearchError]) -> Iterator[type[ls.LocalsearchError]]:
    yield error
    for below in error.__subclasses__():
        yield from tree_of(below)


def made(error: type[ls.LocalsearchError]) -> ls.LocalsearchError:
    if error is ls.PictureError:
        return ls.PictureError("undecodable", "cut short", hint="look at it")
    return error("it went wrong", hint="do this")


def in_house(error: type[ls.LocalsearchError]) -> bool:
    return error.__module__ == "localsearch.errors"  # tests may make subclasses of their own


ERRORS = sorted(
    {error for error in tree_of(ls.LocalsearchError) if in_house(error)}, key=lambda e: e.__name__
)


def test_every_error_has_an_exit_code() -> None:
    assert set(ERRORS) == set(main.EXIT_CODES)
    assert set(main.EXIT_CODES.values()) <= {*range(1, 9), main.INTERRUPTED}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ls.LibraryMissing, 3),
        (ls.LibraryBusy, 4),
        (ls.LibraryFull, 5),
        (ls.LibraryReadOnly, 5),
        (ls.PackDamaged, 6),
        (ls.LibraryDamaged, 7),
        (ls.LibraryUnsafe, 8),
        (ls.QueryError, 2),
        (ls.InputError, 2),
    ],
)
def test_promised_exit_codes(error: type[ls.LocalsearchError], code: int) -> None:
    assert main.EXIT_CODES[error] == code


def ends(monkeypatch: pytest.MonkeyPatch, fault: BaseException, *more: str) -> int:
    def run(json: bool = False) -> None:
        raise fault

    monkeypatch.setattr("localsearch.cli.cmd_doctor.run", run)
    return main.run(["doctor", *more])


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: e.__name__)
def test_an_error_is_a_message_a_hint_and_a_code(
    error: type[ls.LocalsearchError],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fault = made(error)
    assert ends(monkeypatch, fault) == main.EXIT_CODES[error]
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"error: {fault.message}\nhint: {fault.hint}\n"


def test_an_error_is_a_document_under_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(monkeypatch, ls.LibraryBusy("busy", hint="wait"), "--json") == 4
    told = capsys.readouterr()
    assert json.loads(told.out) == {
        "version": 1,
        "error": {"code": "library-busy", "message": "busy", "hint": "wait"},
    }
    assert told.err == ""


def test_the_unexpected_is_one_line_and_code_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LOCALSEARCH_DEBUG", raising=False)
    assert ends(monkeypatch, ZeroDivisionError("division by zero")) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ZeroDivisionError: division by zero\nhint: ")
    assert "LOCALSEARCH_DEBUG=1" in told
    assert "Traceback" not in told


def test_debug_shows_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCALSEARCH_DEBUG", "1")
    assert ends(monkeypatch, ZeroDivisionError("division by zero")) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ends(monkeypatch, KeyboardInterrupt()) == 130


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["sync", "--nope"],
        ["search"],
        ["search", "dog", "--limit", "0"],
        ["search", "dog", "--limt=5"],
        ["search", "dog", "--page", "x"],
        ["search", "--any-of", " , "],
        ["search", "--tag", "a=maybe"],
        ["search", "dog", "--format", "xml"],
        ["predict"],
        ["purge"],
    ],
)
def test_mistakes_of_usage_are_code_two(
    args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(args) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert "hint: " in told.err
    assert "Traceback" not in told.err


def test_mistakes_of_usage_are_a_document_under_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["search", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "input"
    assert main.run(["sync", "--nope", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


def test_the_first_interrupt_asks_and_the_second_insists(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = signal.getsignal(signal.SIGINT)
    with polite_interrupt() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    assert "Ctrl-C again" in capsys.readouterr().err
