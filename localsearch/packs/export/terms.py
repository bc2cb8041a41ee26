"""Under which terms published weights of open_clip stand, as their publishers' cards say.

Knows tags and words only. Invariant: what is not in the list is told to be unknown, never guessed.
"""

from __future__ import annotations

from typing import Final

from localsearch.deferred import NamedTuple

UNKNOWN: Final = "LicenseRef-unknown"


class Terms(NamedTuple):
    """A licence (SPDX), what the weights were trained on, and the terms of that."""

    licence: str
    trained_on: str
    training_terms: str
    honest: str


_WEB = "pictures and texts of the web, under many terms; the list of addresses is published"
_READ = "The licence is that of the publishers' model cards; read that of the weights you took."

# The beginning of a tag, and of a model where the tag alone does not tell; the first that fits.
_KNOWN: Final[tuple[tuple[str, str, Terms], ...]] = (
    ("", "laion400m", Terms("MIT", "LAION-400M", _WEB, _READ)),
    ("", "laion2b", Terms("MIT", "LAION-2B", _WEB, _READ)),
    ("", "datacomp", Terms("MIT", "DataComp", _WEB, _READ)),
    (
        "",
        "openai",
        Terms("MIT", "pictures and texts of the web, unpublished", "unpublished", _READ),
    ),
    ("ViT", "webli", Terms("Apache-2.0", "WebLI (Google)", "unpublished", _READ)),
)
_APPLE = Terms(
    "LicenseRef-Apple-ML-Research",
    "DataCompDR or DFNDR (Apple)",
    _WEB,
    "Apple's licence of these weights is no open one, some allow research only: read the card of "
    "the weights that you took.",
)
_OTHER = Terms(
    UNKNOWN,
    "unknown to this program",
    "unknown to this program",
    "Ask whoever published the weights; --licence puts their answer here.",
)


def terms_of(title: str, pretrained: str) -> Terms:
    """The terms of the weights of that tag for that model."""
    if not pretrained:
        return Terms("CC0-1.0", "nothing: random numbers", "none", "For tests; it finds nothing.")
    if title.startswith("MobileCLIP") and pretrained.startswith(("datacompdr", "dfndr")):
        return _APPLE
    for model, tag, terms in _KNOWN:
        if title.startswith(model) and pretrained.startswith(tag):
            return terms
    return _OTHER
