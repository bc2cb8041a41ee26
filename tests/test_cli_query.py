"""The query of a command line: its faults point into what was written, whatever the flags."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import localsearch as ls
from localsearch.cli import main
from tests.make_library import write_photo


@pytest.fixture
def library(photos: Path, tiny_pack: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two photos in the current folder, synced."""
    for n in range(2):
        write_photo(photos / f"{n}.png", n)
    with ls.init(photos, pack=tiny_pack) as opened:
        opened.sync()
    monkeypatch.chdir(photos)
    return photos


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> Any:
    capsys.readouterr()
    assert main.run(["search", *args, "--json"]) == 2, args
    return json.loads(capsys.readouterr().out)["error"]


@pytest.mark.parametrize("flags", [(), ("--tag", "pet"), ("--where", "a=b c")])
@pytest.mark.parametrize(
    ("words", "column"),
    [
        (["colour nope"], 8),
        (["colour", "nope"], 8),
        (["-nope"], 2),
        (["colour", "-nope"], 9),
        (["colour>0.5"], 7),
        (["colour", "("], 9),
        (["colour)", "or", "(red"], 7),
        (['colour "red'], 8),
        (['colour) "('], 7),
        (["(colour > 2)"], 9),
    ],
)
def test_a_fault_points_into_what_was_written(
    library: Path, capsys: pytest.CaptureFixture[str], words: list[str], column: int, flags: Any
) -> None:
    told = refused(capsys, *words, *flags)
    assert told["message"].endswith(f"(column {column})")
    assert "in column 2" not in told["message"]
    assert told["hint"]


def test_a_fault_of_a_flag_points_into_the_flag_or_nowhere(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(capsys, "colour", "--concept", "nope")
    assert told["message"] == "there is no concept 'nope'"
    told = refused(capsys, "--near", "48.1,11.6,-5km")
    assert told["message"].endswith("(column 11)")
    told = refused(capsys, "--taken", "2024-13")
    assert told["message"].endswith("(column 1)")


@pytest.mark.parametrize("text", ["colour, red", "colour > 0.5", "()", "(colour", '"red', "a:b:c"])
def test_each_fault_tells_what_to_do(
    library: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    assert refused(capsys, text)["hint"]
