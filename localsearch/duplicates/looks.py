"""What is known of contents that may be the same picture: vectors and miniatures, a few at a time.

Asks the store for each once while it is remembered; never for a photo itself, which may be away.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from localsearch.catalog.truth import Truth
from localsearch.duplicates.compare import turn_between
from localsearch.duplicates.contents import Contents
from localsearch.errors import PictureError
from localsearch.sources.miniature import miniature
from localsearch.sources.turns import Turn

if TYPE_CHECKING:
    import numpy.typing as npt

    Halves: TypeAlias = npt.NDArray[np.float16]
    Miniature: TypeAlias = npt.NDArray[np.uint8]

Scores = Callable[["Halves", "npt.NDArray[np.float32]"], "npt.NDArray[np.float64]"]
"""Visual scores in [0, 1] of stored vectors [n, D] with one vector [D]."""

# The second witness: the visual score that two pictures have at least if they are one as they
# lie. Copies have 0.88 and more (a copy of 128 pixels, squeezed into a square, the least), the
# median of unrelated photos is 0.35. Of turned pictures a network says little: it knows upright
# photos, and gave 0.72 to one that was transposed. There the pixels decide alone.
WITNESS: Final = 0.7

_REMEMBERED: Final = 4096  # contents: 50 MiB of miniatures, 4 MiB of vectors
_AT_ONCE: Final = 512


class Looks:
    """Looks at contents, by their place in `contents`."""

    def __init__(
        self,
        truth: Truth,
        contents: Contents,
        scores: Scores,
        check: Callable[[], None],
    ) -> None:
        self._truth, self._contents = truth, contents
        self._scores, self._check = scores, check
        self._vectors: OrderedDict[int, Halves | None] = OrderedDict()
        self._miniatures: OrderedDict[int, Miniature | None] = OrderedDict()

    def same(self, best: int, asked: Sequence[int]) -> Mapping[int, Turn]:
        """Those of `asked` that are the same picture as `best`, with the turn that made them."""
        found: dict[int, Turn] = {}
        waiting = iter(asked)
        while some := list(islice(waiting, _AT_ONCE)):
            alike = self._alike(best, some)
            for one in some:
                self._check()
                turn = self._turn(best, one, upright=one in alike)
                if turn is not None:
                    found[one] = turn
        return found

    def _alike(self, best: int, asked: Sequence[int]) -> set[int]:
        """Those of some that their vectors take for the same."""
        vectors = self._vectors_of([best, *asked])
        query = vectors[best]
        known = {one: vector for one in asked if (vector := vectors[one]) is not None}
        if query is None or not known:
            return set()
        scores = self._scores(np.stack(list(known.values())), query.astype(np.float32))
        return {one for one, score in zip(known, scores, strict=True) if score >= WITNESS}

    def _turn(self, best: int, one: int, *, upright: bool) -> Turn | None:
        first, second = self._miniature(best), self._miniature(one)
        if first is None or second is None:
            return None
        return turn_between(first, second, upright=upright)

    def _vectors_of(self, places: Sequence[int]) -> dict[int, Halves | None]:
        wanted = [place for place in places if place not in self._vectors]
        if wanted:
            digests = [self._contents.digest_of(place) for place in wanted]
            vectors, _, found = self._truth.features.arrays_of(digests)
            for place, vector, has in zip(wanted, vectors, found.tolist(), strict=True):
                self._vectors[place] = vector.copy() if has else None
        answer = {place: self._vectors[place] for place in places}
        _forget_oldest(self._vectors)
        return answer

    def _miniature(self, place: int) -> Miniature | None:
        """None where the thumbnail is lost or cannot be read: then nothing is claimed."""
        if place in self._miniatures:
            self._miniatures.move_to_end(place)
            return self._miniatures[place]
        data = self._truth.thumbnails.of(self._contents.digest_of(place))
        try:
            made = None if data is None else miniature(data)
        except PictureError:
            made = None
        self._miniatures[place] = made
        _forget_oldest(self._miniatures)
        return made


def _forget_oldest(held: OrderedDict[int, Any]) -> None:
    while len(held) > _REMEMBERED:
        held.popitem(last=False)
