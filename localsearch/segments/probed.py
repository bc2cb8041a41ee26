"""Concepts that no segment lists: probes over the stored vectors, asked part by part.

A probe was taught after the segments were written, so its list is made from the vectors of each
part when it is first asked for, and kept in memory for as long as the part is open. The int8 scan
proposes, with its bounds; whatever they cannot rule out is computed from the stored vector, row by
row in a fixed order of sums. So a list is that of brute force to the last bit.
Never knows a name, a catalog or which rows are alive.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import numpy as np

from localsearch.deferred import NamedTuple, dataclass
from localsearch.matrix.coding import Coded, Singles, coded
from localsearch.postings.listing import values_among
from localsearch.rows import Rows, RowSet, from_array
from localsearch.scores import ONE, Quantised, calibrated, cosines, quantise

if TYPE_CHECKING:
    import numpy.typing as npt

# Rows of one scan, and vectors that are copied at once: 4,096 x 512 halves are 4 MiB.
_SCANNED: Final = 65536
_COPIED: Final = 4096
# Lists that a part keeps, the last asked for; of a usual one some per cent of the rows stand in
# it, 6 bytes each.
_KEPT: Final = 64
# Far more than the roundings of the edge, far less than a step of 16 bits.
_SLACK: Final = 1e-6


@dataclass(frozen=True, eq=False)
class Probe:
    """sigmoid(scale * cosine(photo, direction) + offset), listed from `floor` (16 bits, > 0) on.

    `direction` is float32 [D], `scale` > 0. Two probes of the same numbers are equal.
    """

    direction: npt.NDArray[np.float32]
    scale: float
    offset: float
    floor: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Probe) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def _key(self) -> tuple[bytes, float, float, int]:
        return self.direction.tobytes(), self.scale, self.offset, self.floor

    def values(self, halves: npt.NDArray[np.float16]) -> Quantised:
        """The probability of each stored vector, uint16 [n], whatever the floor."""
        return quantise(calibrated(cosines(halves, self.direction), self.scale, self.offset))

    @cached_property
    def edge(self) -> float:
        """No photo whose cosine is below it reaches the floor."""
        least = (self.floor - 0.5) / ONE
        return (float(np.log(least / (1.0 - least))) - self.offset) / self.scale - _SLACK

    @cached_property
    def coded(self) -> Coded:
        """The direction as a query of a scan."""
        return coded(self.direction[None, :])


def stored_probe(
    direction: bytes, scale: float, offset: float, floor: int, dimensions: int
) -> Probe | None:
    """A probe from what the catalog keeps (float32, little-endian); None where that is none."""
    numbers = np.frombuffer(direction[: len(direction) // 4 * 4], "<f4").astype(np.float32)
    sound = len(direction) == 4 * dimensions and np.isfinite([*numbers, scale, offset]).all()
    if not sound or scale <= 0 or not 0 < floor <= ONE:
        return None
    return Probe(numbers, scale, offset, floor)


Asked: TypeAlias = "int | Probe"
"""A concept as a live set is asked for it: its index in the pack, or its probe."""


class Vectors(Protocol):
    """What a list is made from: a segment or a tail."""

    @property
    def rows(self) -> Rows: ...
    def scan(
        self, asked: Coded, places: npt.NDArray[np.intp] | slice | None
    ) -> tuple[Singles, Singles]: ...
    def halves_at(self, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.float16]: ...


class OneList(Protocol):
    """What one part lists under one concept."""

    def rows_of(self, at_least: int) -> RowSet:
        """The rows with at least that value; a new set."""

    def values_of(self) -> tuple[Rows, Quantised]:
        """All rows, ascending, and their values."""

    def values_at(self, rows: Rows) -> Quantised:
        """The value of each of `rows`; 0 where it is not listed."""

    def length(self) -> int:
        """How many rows are listed, dead ones too."""


class ProbeList(NamedTuple):
    """The list of one probe in one part: a OneList in memory."""

    rows: Rows
    values: Quantised

    def rows_of(self, at_least: int) -> RowSet:
        return from_array(self.rows[self.values >= at_least])

    def values_of(self) -> tuple[Rows, Quantised]:
        return self.rows, self.values

    def values_at(self, rows: Rows) -> Quantised:
        return values_among(self.rows, self.values, rows)

    def length(self) -> int:
        return len(self.rows)


class Probed:
    """The lists of one part, by probe. Any thread may ask; two may make the same list."""

    def __init__(self) -> None:
        self._lists: OrderedDict[Probe, ProbeList] = OrderedDict()
        self._lock = threading.Lock()

    def list_of(self, part: Vectors, probe: Probe) -> ProbeList:
        """The list of a probe in `part`, whose lists these are; made when first asked for."""
        with self._lock:
            found = self._lists.get(probe)
            if found is not None:
                self._lists.move_to_end(probe)
                return found
        made = _made(part, probe)
        with self._lock:
            self._lists[probe] = made
            while len(self._lists) > _KEPT:
                self._lists.popitem(last=False)
        return made


def _made(part: Vectors, probe: Probe) -> ProbeList:
    places = _proposed(part, probe)
    values = np.zeros(len(places), np.uint16)
    for start in range(0, len(places), _COPIED):
        some = slice(start, start + _COPIED)
        values[some] = probe.values(part.halves_at(places[some]))
    kept = values >= probe.floor
    return ProbeList(part.rows[places[kept]], values[kept])


def _proposed(part: Vectors, probe: Probe) -> npt.NDArray[np.intp]:
    """Positions of rows whose cosine may reach the edge, ascending."""
    found = [np.zeros(0, np.intp)]
    for start in range(0, len(part.rows), _SCANNED):
        approx, bound = part.scan(probe.coded, slice(start, start + _SCANNED))
        found.append(np.flatnonzero(approx + bound >= probe.edge) + start)
    return np.concatenate(found)
