"""How much a row must be like a description to be a hit at all: "nothing relevant" is an answer.

The cosines of a text with all photos of the library, and with the pack's decoys (which alone speak
in a small library), are its background. The floor lies

    median + floor_spreads * (median - the value that 16 % of them lie below)
        + floor_doubt * (floor_known - the highest cosine with a decoy, if that is lower)

(a text that no typical photo answers is doubted: it has to be answered the better here) but never
below `floor_least` and never above `floor_enough`, all of them numbers of the pack. A row is a hit
if its score (concepts that the text names raise it, see `lift`) reaches the score of that cosine.
It does not depend on filters, on the page or on the route.

Invariant: the same bits wherever rows lie. So the background is that of 8-bit codes, whose sums are
whole numbers, and its middle is one of its own values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.matrix.coding import Singles, coded
from localsearch.matrix.scan import fast_body, scan_rows
from localsearch.scores import at_least
from localsearch.search.snapshot import Floor
from localsearch.search.terms import Text
from localsearch.search.visual_terms import query_of

if TYPE_CHECKING:
    from localsearch.pack.manifest import TextSpec
    from localsearch.search.snapshot import Snapshot
    from localsearch.search.terms import Like, Sum

# A standard deviation below the mean of a bell curve. Relevant photos lie above and move it little.
_LOW: Final = 16  # per cent


def floor_of(snapshot: Snapshot, term: Like | Text | Sum) -> int:
    """The 16-bit score (0..65536) that a visual leaf asks for; 0 where every row is a hit."""
    if term.min_score is not None:
        return at_least(term.min_score)
    return text_floor(snapshot, term).score if isinstance(term, Text) else 0


def text_floor(snapshot: Snapshot, term: Text) -> Floor:
    """The floor of a text without a `min_score` of its own; found out once a search."""
    key = term.vector_key()
    if key not in snapshot.floors:
        snapshot.floors[key] = _found_out(snapshot, term)
    return snapshot.floors[key]


def _found_out(snapshot: Snapshot, term: Text) -> Floor:
    query, score_map = query_of(snapshot, term)
    spec, live = snapshot.pack.text, snapshot.live
    assert spec is not None  # `query_of` refuses texts without one
    decoys, _ = scan_rows(coded(snapshot.pack.decoys), coded(query[None, :]), fast_body())
    background: list[Singles] = [decoys]
    for block in live.blocks(query):
        snapshot.check()
        background.append(block.approx)
    median, low = _middle(np.concatenate(background))
    spread, lacking = median - low, _lacking(spec, decoys)
    raised = median + spec.spreads * spread + spec.doubt * lacking
    cosine = min(max(raised, spec.least), spec.enough)
    score = int(score_map.scores(cosine))
    return Floor(score, cosine, median, spread, len(live.rows), len(decoys), lacking)


def _lacking(spec: TextSpec, decoys: Singles) -> float:
    """What the best decoy lacks to a cosine that says that photos show such things."""
    return max(spec.known - float(decoys.max()), 0.0) if len(decoys) else 0.0


def _middle(background: Singles) -> tuple[float, float]:
    """The median, and the value that so many per cent lie below; of nothing both are 0."""
    count = len(background)
    if not count:
        return 0.0, 0.0
    middle, low = count // 2, count * _LOW // 100
    ordered = np.partition(background, (low, middle))
    return float(ordered[middle]), float(ordered[low])
