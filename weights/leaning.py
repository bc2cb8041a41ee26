"""WordNet concepts that a probe reads too: which, and how much the probe leans on the classes.

A photo of one thing is best read from the chances of the classes, a photo of many things from the
probe. A lean adds the first to the second; the sum is linear in both as before.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from weights import calibrate_probes, metrics, train_probes
from weights.probe_words import everyday
from weights.train_probes import Examples, Trained

BETTER = 0.01  # by how much a probe must beat the classes alone to replace them
WORSE = 0.03  # how much it may lose on ImageNet photos
JUDGED = 4  # of them make a figure
LEANS = (0.0, 0.25, 0.5, 1.0, 2.0)  # on a concept's own classes, beside the probe

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


def improves(made: Examples, column: int, scores: Floats, classes: Rows) -> bool:
    """Whether scores find more than the classes alone, and lose nothing on ImageNet photos.

    `classes`: which of these are of a class that shows the concept.
    """
    labels, own = made.labels[:, column], made.own[:, column].astype(np.float64)
    known = ~np.isnan(scores)
    sets = known & np.isin(made.origin, train_probes.TRUE)
    alone, right, _ = train_probes.precision(own, labels, sets)
    if right < calibrate_probes.FEWEST:
        sets = known & (made.origin != calibrate_probes.UNJUDGED)
        alone, right, _ = train_probes.precision(own, labels, sets)
    found, _, _ = train_probes.precision(scores, labels, sets)
    gains = right >= calibrate_probes.FEWEST and found >= alone + BETTER
    if not classes.any():
        return gains
    sample = made.origin == "imagenet"
    before = metrics.average_precision(own[sample], classes)
    after = metrics.average_precision(scores[sample], classes)
    # One to three photos prove little: there a loss is weighed against the gain.
    least = WORSE if classes.sum() >= JUDGED else max(WORSE, found - alone)
    return gains and before - after <= least


def of(made: Examples, scores: Floats, spread: Floats, classes: Rows) -> dict[int, float]:
    """Of each WordNet concept that gets a probe: how much this leans on the classes, in spreads.

    A photo of one thing is best read from the classes, a photo of many things from the probe: the
    least lean at which the first kind loses nothing.
    """
    found: dict[int, float] = {}
    for at, one in enumerate(everyday()):
        own = made.own[:, at].astype(np.float64) / spread[at]
        for lean in () if one.ours else LEANS:
            if improves(made, at, scores[:, at] + lean * own, classes[:, at]):
                found[at] = lean
                break
    return found


def applied(trained: Trained, made: Examples, leans: dict[int, float], spread: Floats) -> Trained:
    """The same readings, some of them leaning on their own classes."""
    mixing, scores = trained.model.mixing.copy(), trained.held_out.copy()
    for at, lean in leans.items():
        mixing[at, at] += lean / spread[at]
        scores[:, at] += lean / spread[at] * made.own[:, at]
    return Trained(trained.concepts, replace(trained.model, mixing=mixing), scores)
