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


def reliability(
    pairs: Iterable[tuple[float, bool]], bins: int = 15
) -> list[tuple[float, float, int]]:
    """Of each equally wide bin that has any: mean probability, share that is right, how many."""
    sorted_in: dict[int, list[tuple[float, bool]]] = {}
    for value, truth in pairs:
        sorted_in.setdefault(min(int(value * bins), bins - 1), []).append((value, truth))
    return [
        (mean(value for value, _ in inside), mean(truth for _, truth in inside), len(inside))
        for _, inside in sorted(sorted_in.items())
    ]


def calibration_error(pairs: Iterable[tuple[float, bool]], bins: int = 15) -> float:
    """Mean distance of what is said from what is right, weighted by how often it is said."""
    found = reliability(pairs, bins)
    total = sum(count for _, _, count in found)
    return (
        sum(abs(said - right) * count for said, right, count in found) / total
        if total
        else float("nan")
    )


def read_table(path: Path) -> list[dict[str, str]]:
    """A CSV file as dictionaries."""
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
