"""Reads the concept table back and turns raw outputs into probabilities, as the product does.

The build needs this arithmetic to choose and to report; the product has its own, written against
the same format, and the tests hold one against the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weights.metrics import log_softmax

SMALLEST = 1e-7

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Table:
    """The columns of concepts.tsv that arithmetic needs."""

    ids: list[str]
    names: list[str]
    synonyms: list[list[str]]
    parents: list[list[str]]
    outputs: list[str]

    def index(self, concept: str) -> int:
        """Line of an id."""
        return self.ids.index(concept)

    def find(self, word: str) -> list[str]:
        """Ids of the concepts that bear a word."""
        return [
            one
            for one, name, others in zip(self.ids, self.names, self.synonyms, strict=True)
            if word == name or word in others
        ]

    def leaves(self) -> NDArray[np.bool_]:
        """Classes x concepts: which classes stand below a concept (a class: itself)."""
        at = {one: index for index, one in enumerate(self.ids)}
        owns = [class_of(output) for output in self.outputs]
        below = np.zeros((sum(own is not None for own in owns), len(self.ids)), bool)
        for line, own in enumerate(owns):
            if own is not None:
                waiting = [self.ids[line]]
                while waiting:
                    one = waiting.pop()
                    below[own, at[one]] = True
                    waiting.extend(self.parents[at[one]])
        return below


def read(path: Path) -> Table:
    """The table of a pack."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]

    def many(column: int) -> list[list[str]]:
        return [row[column].split("|") if row[column] else [] for row in rows]

    return Table(
        [row[0] for row in rows],
        [row[1] for row in rows],
        many(2),
        many(3),
        [row[4] for row in rows],
    )


def class_of(output: str) -> int | None:
    """The class that a line of the table is, if it is one (`class:5`, `class:5+probe:7`)."""
    kind, _, rest = output.partition(":")
    return int(rest.partition("+")[0]) if kind == "class" else None


def probe_of(output: str) -> int | None:
    """The probe that reads a line of the table, if one does."""
    _, probe, number = output.partition("probe:")
    return int(number) if probe else None


def read_inputs(path: Path) -> list[list[int]]:
    """The classes of each input of the probes."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [[int(number) for number in line.split()] for line in lines]


def raw_scores(
    table: Table,
    logits: Floats,
    temperature: float,
    vectors: Floats,
    probes: Floats,
    inputs: list[list[int]],
) -> NDArray[np.float64]:
    """Photos x concepts: log odds of the softmax sums, or what the probes make of them."""
    shares = np.exp(log_softmax(logits, temperature))
    sums = np.clip(shares @ table.leaves(), SMALLEST, 1 - SMALLEST)
    raw = np.log(sums / (1 - sums))
    roots = [np.sqrt(shares[:, classes].sum(axis=1)) for classes in inputs]
    wide = np.concatenate([vectors.astype(np.float64), *(r[:, None] for r in roots)], axis=1)
    for line, output in enumerate(table.outputs):
        number = probe_of(output)
        if number is not None:
            row = probes[number].astype(np.float64)
            raw[:, line] = wide @ row[:-1] + row[-1]
    return raw


def probabilities(raw: Floats, calibration: Floats) -> NDArray[np.float64]:
    """sigmoid(scale * raw + offset)."""
    return np.asarray(1 / (1 + np.exp(-(raw * calibration[:, 0] + calibration[:, 1]))), np.float64)
