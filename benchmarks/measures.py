"""Measures of a ranking; pure. What is not listed counts as not found."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path


def average_precision(ranked: Sequence[bool], relevant: int) -> float:
    """Mean over all `relevant` of the precision at each, best first; 0 for those not listed."""
    right, total = 0, 0.0
    for place, hit in enumerate(ranked, start=1):
        if hit:
            right += 1
            total += right / place
    return total / relevant


def mean(values: Iterable[float]) -> float:
    """Their mean; not a number for none."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else float("nan")


def read_table(path: Path) -> list[dict[str, str]]:
    """A CSV file as dictionaries."""
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
