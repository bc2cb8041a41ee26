"""Raw outputs of a network to calibrated probabilities of all concepts, in 16 bits.

Pure arithmetic on arrays: no file, no name, no threshold. Invariant: the row of a photo is the
same to the last bit whatever stands beside it in the batch: every sum runs over one contiguous row
in a fixed order, or is exact (`probes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.errors import PackDamaged
from localsearch.pack.probes import Probes, probe_scores
from localsearch.pack.vocabulary import Vocabulary, kind_of
from localsearch.scores import quantise

if TYPE_CHECKING:
    import numpy.typing as npt

SHOWN: Final = 5
"""Concepts that a hit tells, if nothing else is said: segments keep so many of each row."""

# Rows at a time: 64 x 2,000 values of each kind stay in the second cache.
_BLOCK = 64
# Softmax sums are clipped to [_EDGE, 1 - _EDGE] before the logarithm; frozen by the pack format.
_EDGE = 1e-7
# sigmoid(88) is 1 in float32, and exp(88) is still finite.
_STEEP = np.float32(88.0)


class Level(NamedTuple):
    """Ancestors whose parts are all known: `targets[i]` sums `sources[starts[i]:starts[i+1]]`."""

    targets: npt.NDArray[np.intp]
    sources: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]


class Reading(NamedTuple):
    """How the outputs of one pack are read. Columns: classes, then ancestors, then probes.

    The value of column `probed[i]` is that of probe `order[i]`; classes and ancestors may be among
    them.
    """

    classes: int
    inner: int  # classes and ancestors
    concepts: int
    temperature: np.float32
    levels: tuple[Level, ...]
    scale: npt.NDArray[np.float32]
    offset: npt.NDArray[np.float32]
    probes: Probes
    probed: npt.NDArray[np.intp]
    order: npt.NDArray[np.intp]


def make_reading(
    vocabulary: Vocabulary,
    classes: int,
    temperature: float,
    calibration: npt.NDArray[np.float32],
    probes: Probes,
) -> Reading:
    """Prepare once what `probabilities` needs. Raises PackDamaged where the table contradicts."""
    outputs, count = vocabulary.outputs, len(probes.weights)
    ancestors = [kind_of(output) for output in outputs].count("ancestor")
    probed = _probed(outputs, classes, ancestors)
    if probed is None or sorted(probed.values()) != list(range(count)):
        raise PackDamaged(f"the concept table does not fit {classes} classes and {count} probes")
    if len(calibration) != len(outputs):
        raise PackDamaged(f"{len(outputs)} concepts have {len(calibration)} rows of calibration")
    return Reading(
        classes=classes,
        inner=classes + ancestors,
        concepts=len(outputs),
        temperature=np.float32(temperature),
        levels=_levels(vocabulary.ids, vocabulary.parents, classes, ancestors),
        scale=np.ascontiguousarray(calibration[:, 0]),
        offset=np.ascontiguousarray(calibration[:, 1]),
        probes=probes,
        probed=np.fromiter(probed.keys(), dtype=np.intp),
        order=np.fromiter(probed.values(), dtype=np.intp),
    )


def probabilities(
    reading: Reading, vectors: npt.NDArray[np.float16], logits: npt.NDArray[np.float16]
) -> npt.NDArray[np.uint16]:
    """Quantised probabilities, uint16 [n, concepts], of `vectors` [n, D] and `logits` [n, K].

    Exponentials and logarithms are float32 (their error, 1e-7, is far below a step of 16 bits),
    sums are float64. Raises ValueError where an output is not a number.
    """
    found = np.empty((len(logits), reading.concepts), dtype=np.uint16)
    for start in range(0, len(logits), _BLOCK):
        rows = slice(start, start + _BLOCK)
        raw = _raw(reading, vectors[rows], logits[rows])
        found[rows] = quantise(_sigmoid(raw * reading.scale + reading.offset))
    return found


def highest(found: npt.NDArray[np.uint16], limit: int) -> npt.NDArray[np.intp]:
    """The columns of the `limit` highest probabilities of each row, best first, ties by column.

    intp [n, min(limit, C)]. A value and its column make one number, so that no row is sorted.
    """
    concepts = found.shape[1]
    limit = min(limit, concepts)
    keys = found.astype(np.int64) * concepts + np.arange(concepts - 1, -1, -1)
    if limit < concepts:
        keys = np.partition(keys, concepts - limit, axis=1)[:, concepts - limit :]
    keys.sort(axis=1)
    return np.asarray(concepts - 1 - keys[:, ::-1] % concepts, dtype=np.intp)


def leading(found: npt.NDArray[np.uint16], limit: int = SHOWN) -> npt.NDArray[np.uint16]:
    """The `limit` most probable concepts of each row and their probabilities.

    uint16 [n, 2, min(limit, C)]: columns as of `highest`, then values.
    """
    made = np.empty((len(found), 2, min(limit, found.shape[1])), np.uint16)
    for start in range(0, len(found), _BLOCK):
        rows = slice(start, start + _BLOCK)
        columns = highest(found[rows], limit)
        made[rows, 0] = columns
        made[rows, 1] = np.take_along_axis(found[rows], columns, axis=1)
    return made


def _raw(
    reading: Reading, vectors: npt.NDArray[np.float16], logits: npt.NDArray[np.float16]
) -> npt.NDArray[np.float32]:
    """Log-odds of classes and ancestors, scores where a probe is read: float32 [n, concepts]."""
    shares = np.empty((len(logits), reading.inner), dtype=np.float64)
    shares[:, : reading.classes] = _softmax(logits, reading.temperature)
    scores = probe_scores(reading.probes, vectors, shares[:, : reading.classes])
    for level in reading.levels:
        parts = np.take(shares, level.sources, axis=1)
        shares[:, level.targets] = np.add.reduceat(parts, level.starts, axis=1)
    np.clip(shares, _EDGE, 1.0 - _EDGE, out=shares)
    raw = np.empty((len(logits), reading.concepts), dtype=np.float32)
    # 1 - p in float64, before it is rounded: near 1 it is all that is left.
    against = (1.0 - shares).astype(np.float32)
    raw[:, : reading.inner] = np.log(shares.astype(np.float32)) - np.log(against)
    raw[:, reading.probed] = scores[:, reading.order]
    return raw


def _softmax(logits: npt.NDArray[np.float16], temperature: np.float32) -> npt.NDArray[np.float64]:
    scaled = np.ascontiguousarray(logits, dtype=np.float32) / temperature
    if not scaled.shape[1]:  # a pack without classes
        return scaled.astype(np.float64)
    scaled -= scaled.max(axis=1, keepdims=True)
    # Converted before it is summed: a reduction that converts on its way sums in chunks that
    # may cut a row at a place that depends on the batch.
    powers: npt.NDArray[np.float64] = np.exp(scaled).astype(np.float64)
    powers /= np.add.reduce(powers, axis=1, keepdims=True)
    return powers


def _probed(outputs: Sequence[str], classes: int, ancestors: int) -> dict[int, int] | None:
    """The probe that gives a column its value, of each that one gives; None: a column is wrong."""
    found = dict[int, int]()
    for column, output in enumerate(outputs):
        own, mark, number = output.partition("probe:")
        expected = f"class:{column}" if column < classes else ""
        if column < classes + ancestors:
            expected += "+" if mark else ""
        elif not mark:
            return None
        if own != expected or (mark and not (number.isascii() and number.isdigit())):
            return None
        if mark:
            found[column] = int(number)
    return found


def _sigmoid(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    one = np.float32(1.0)
    return one / (one + np.exp(-np.clip(values, -_STEEP, _STEEP)))


def _levels(
    ids: Sequence[str], parents: Sequence[tuple[str, ...]], classes: int, ancestors: int
) -> tuple[Level, ...]:
    """The sums of all ancestors, in an order in which every part is known before it is used.

    An ancestor is the sum of its children where these share no class, else of its classes one by
    one: each class counts once, and the sums stay short (WordNet: 2,500 terms, not 10,000).
    """
    index = {id: number for number, id in enumerate(ids)}
    last = classes + ancestors
    children: list[list[int]] = [[] for _ in range(last)]
    for number in range(last):
        for parent in parents[number]:
            if not classes <= index.get(parent, -1) < last:
                raise PackDamaged(f"concept {ids[number]} has {parent} for a parent: no ancestor")
            children[index[parent]].append(number)
    order = _children_first(children, classes, ids)
    # The classes below each concept, as the bits of an integer: 20 times quicker than sets.
    leaves = [1 << number for number in range(classes)] + [0] * ancestors
    height = [0] * last
    by_height: dict[int, list[tuple[int, list[int]]]] = {}
    for number in order:
        below = children[number]
        for child in below:
            leaves[number] |= leaves[child]
        if sum(leaves[child].bit_count() for child in below) == leaves[number].bit_count():
            parts = sorted(below)
        else:
            parts = [leaf for leaf, bit in enumerate(f"{leaves[number]:b}"[::-1]) if bit == "1"]
        if not parts:
            raise PackDamaged(f"concept {ids[number]} has no class below it")
        height[number] = 1 + max(height[part] for part in parts)
        by_height.setdefault(height[number], []).append((number, parts))
    return tuple(_level(by_height[number]) for number in sorted(by_height))


def _level(rows: list[tuple[int, list[int]]]) -> Level:
    lengths = [len(parts) for _, parts in rows]
    return Level(
        targets=np.array([target for target, _ in rows], dtype=np.intp),
        sources=np.array([part for _, parts in rows for part in parts], dtype=np.intp),
        starts=np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.intp),
    )


def _children_first(children: list[list[int]], classes: int, ids: Sequence[str]) -> list[int]:
    """The ancestors so that children come before their parents. PackDamaged on a ring."""
    waiting = [sum(child >= classes for child in below) for below in children]
    above: list[list[int]] = [[] for _ in children]
    for number, below in enumerate(children):
        for child in below:
            above[child].append(number)
    order = [number for number in range(classes, len(children)) if not waiting[number]]
    for number in order:  # grows while it runs
        for parent in above[number]:
            waiting[parent] -= 1
            if not waiting[parent]:
                order.append(parent)
    if len(order) < len(children) - classes:
        stuck = next(n for n in range(classes, len(children)) if waiting[n])
        raise PackDamaged(f"concept {ids[stuck]} is its own ancestor")
    return order
