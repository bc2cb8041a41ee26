"""Pictures of what was measured: latency by rows, recall by breadth, calibration. Needs matplotlib.

Reads the kept JSON, measures nothing. Without matplotlib there is a note in place of pictures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LATENCY, RECALL, RELIABILITY = "latency.svg", "recall.svg", "reliability.svg"

_ROWS = re.compile(r"^([\d,]+) rows: (.+)$")
_SAYS = re.compile(r"^says ([\d.]+), is right$")
_BREADTH = re.compile(r"^bare graph, ef (\d+), recall@\d+$")

Points = list[tuple[float, float, float, float]]
"""(x, middle, lowest, highest)."""


def draw(stored: Mapping[str, Mapping[str, Any]], folder: Path) -> list[str]:
    """Write the pictures that the results allow; gives the lines of a report that show them."""
    try:
        import matplotlib
    except ImportError:
        return ["No plots: install the extra `bench`.", ""]
    matplotlib.use("svg")
    lines = []
    latencies = latencies_of(stored.get("searching", {}).get("figures", ()))
    if latencies:
        _lines(folder / LATENCY, latencies, "rows", "ms, middle and min..max", both=True)
        lines += [f"![latency by rows]({folder.name}/{LATENCY})", ""]
    recalls = recalls_of(stored.get("graph", {}).get("figures", ()))
    if recalls:
        _lines(folder / RECALL, recalls, "ef", "recall of bare hnswlib", both=False)
        lines += [f"![recall by breadth]({folder.name}/{RECALL})", ""]
    said = reliability_of(stored.get("calibration", {}).get("figures", ()))
    if said:
        _diagonal(folder / RELIABILITY, said)
        lines += [f"![what is right by what is said]({folder.name}/{RELIABILITY})", ""]
    return lines


def reliability_of(figures: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """What was said, and what share of it was right."""
    named = [(_SAYS.match(figure["name"]), figure["value"]) for figure in figures]
    return [(float(found[1]), value) for found, value in named if found]


def latencies_of(figures: Sequence[Mapping[str, Any]]) -> dict[str, Points]:
    """Milliseconds of each kind of search by rows; counts in its words are left out."""
    lines: dict[str, Points] = {}
    for figure in figures:
        found = _ROWS.match(figure["name"])
        if found and figure["unit"] == "ms":
            words = re.sub(r" of [\d,]+ rows", " of one row in 100", found[2])
            point = (_number(found[1]), figure["value"], figure["low"], figure["high"])
            lines.setdefault(words, []).append(point)
    return lines


def recalls_of(figures: Sequence[Mapping[str, Any]]) -> dict[str, Points]:
    """Recall by breadth, a line a size."""
    lines: dict[str, Points] = {}
    for figure in figures:
        found = _ROWS.match(figure["name"])
        breadth = _BREADTH.match(found[2]) if found else None
        if found and breadth:
            value = figure["value"]
            point = (float(breadth[1]), value, value, value)
            lines.setdefault(f"{found[1]} rows", []).append(point)
    return lines


def _lines(path: Path, lines: Mapping[str, Points], x: str, y: str, *, both: bool) -> None:
    """One picture; the axis of x is logarithmic, with `both` that of y too."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(8, 5), layout="constrained")
    axes = picture.add_subplot()
    for words, points in lines.items():
        places, middles, lows, highs = zip(*sorted(points), strict=True)
        below = [middle - low for middle, low in zip(middles, lows, strict=True)]
        above = [high - middle for middle, high in zip(middles, highs, strict=True)]
        axes.errorbar(places, middles, yerr=(below, above), label=words, marker="o", capsize=3)
    axes.set_xscale("log")
    if both:
        axes.set_yscale("log")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="small")
    picture.savefig(path, format="svg", metadata={"Date": None})


def _diagonal(path: Path, points: Sequence[tuple[float, float]]) -> None:
    """Points beside the line on which all that is said is right."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(5, 5), layout="constrained")
    axes = picture.add_subplot()
    axes.plot((0, 1), (0, 1), color="grey", linestyle="dashed")
    axes.plot(*zip(*points, strict=True), marker="o")
    axes.set_xlabel("says")
    axes.set_ylabel("is right")
    axes.grid(visible=True, alpha=0.3)
    picture.savefig(path, format="svg", metadata={"Date": None})


def _number(text: str) -> float:
    return float(text.replace(",", ""))
