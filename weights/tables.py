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
        classes = [int(o.split(":")[1]) for o in self.outputs if o.startswith("class:")]
        below = np.zeros((len(classes), len(self.ids)), bool)
        for line, output in enumerate(self.outputs):
            if output.startswith("class:"):
                waiting, own = [self.ids[line]], int(output.split(":")[1])
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


def raw_scores(
    table: Table, logits: Floats, temperature: float, vectors: Floats, probes: Floats
) -> NDArray[np.float64]:
    """Photos x concepts: log odds of the softmax sums, then the probes' outputs."""
    sums = np.exp(log_softmax(logits, temperature)) @ table.leaves()
    sums = np.clip(sums, SMALLEST, 1 - SMALLEST)
    raw = np.log(sums / (1 - sums))
    for line, output in enumerate(table.outputs):
        if output.startswith("probe:"):
            row = probes[int(output.split(":")[1])].astype(np.float64)
            raw[:, line] = vectors.astype(np.float64) @ row[:-1] + row[-1]
    return raw


def probabilities(raw: Floats, calibration: Floats) -> NDArray[np.float64]:
    """sigmoid(scale * raw + offset)."""
    return 1 / (1 + np.exp(-(raw * calibration[:, 0] + calibration[:, 1])))
