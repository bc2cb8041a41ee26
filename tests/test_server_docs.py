"""The page of threats names tests that there are; the page of the server names every option."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[1]
DOCS = HOUSE / "localsearch" / "docs"
THREATS = (DOCS / "THREATS.md").read_text(encoding="utf-8")
LINES = [line for line in THREATS.splitlines() if line.startswith("| ")][1:]


@pytest.mark.parametrize("line", LINES, ids=[line.split("|")[1].strip()[:40] for line in LINES])
def test_each_threat_has_its_tests(line: str) -> None:
    named = re.findall(r"`([\w.:]+)`", line.split("|")[3])
    assert named
    text = ""
    for one in named:
        file, _, test = one.rpartition("::") if "::" in one else (one, "", "")
        if file.endswith(".py"):
            text = (HOUSE / "tests" / file).read_text(encoding="utf-8")
        else:
            test = one
        assert f"def {test}" in text, one


def test_every_option_is_told() -> None:
    import inspect

    from localsearch.cli import cmd_serve

    page = (DOCS / "SERVER.md").read_text(encoding="utf-8")
    names = [name for name in inspect.signature(cmd_serve.run).parameters if name != "ctx"]
    assert len(names) == 17
    for name in names:
        assert f"`--{name.replace('_', '-')}" in page, name
