"""What a benchmark gives: figures with targets, as frozen records, and those as JSON or Markdown.

Measures nothing. Invariant: a figure without a spread was measured once, and is shown so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """What must hold: the figure is at least or at most so much."""

    least: float | None = None
    most: float | None = None

    def met(self, value: float) -> bool:
        """Whether `value` holds it."""
        above = self.least is None or value >= self.least
        return above and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        if self.least is not None:
            return f">= {self.least:g}"
        return f"<= {self.most:g}" if self.most is not None else ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. With a spread, `value` is the median of what was measured in turn."""

    name: str
    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    target: Target | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether it holds its target; None without one."""
        return None if self.target is None else self.target.met(self.value)


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of one benchmark; `skipped` says in a sentence why there are none."""

    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: str = ""


def spread(
    name: str,
    values: Sequence[float],
    unit: str = "",
    target: Target | None = None,
    note: str = "",
) -> Figure:
    """A figure of several measurements: median, smallest, largest."""
    return Figure(name, median(values), unit, min(values), max(values), target, note)


def as_json(result: Result, about: Mapping[str, Any]) -> dict[str, Any]:
    """The result with what it ran on, ready for `json.dumps`."""
    figures = [
        {
            **asdict(figure),
            "target": str(figure.target) if figure.target else None,
            "met": figure.met,
        }
        for figure in result.figures
    ]
    return {
        "about": dict(about),
        "figures": figures,
        "notes": list(result.notes),
        "skipped": result.skipped,
    }


def as_markdown(stored: Mapping[str, Mapping[str, Any]]) -> str:
    """Tables of results that `as_json` made, one section a benchmark."""
    return "\n".join(_section(name, result) for name, result in stored.items())


def _section(name: str, result: Mapping[str, Any]) -> str:
    about = result["about"]
    lines = [f"## {name}", "", f"`{about['command']}`; load {about['load']}", ""]
    if result["skipped"]:
        return "\n".join([*lines, f"Skipped: {result['skipped']}", ""])
    lines += ["| figure | median | min .. max | target | |", "|---|---|---|---|---|"]
    lines += [_line(figure) for figure in result["figures"]]
    lines += ["", *(f"- {note}" for note in result["notes"]), ""]
    return "\n".join(lines)


def _line(figure: Mapping[str, Any]) -> str:
    unit = f" {figure['unit']}" if figure["unit"] else ""
    low, high = figure["low"], figure["high"]
    between = "" if low is None else f"{shown(low)} .. {shown(high)}"
    verdict = {True: "met", False: "**missed**", None: ""}[figure["met"]]
    tail = "; ".join(text for text in (verdict, figure["note"]) if text)
    value = shown(figure["value"])
    return f"| {figure['name']} | {value}{unit} | {between} | {figure['target'] or ''} | {tail} |"


def shown(value: float) -> str:
    """Three digits that count; whole numbers with their thousands set off."""
    if isnan(value):
        return "none"
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
