"""The terms of a query: frozen leaves, `&`, `|`, `~`, weights, and the text that parses back.

Pure and light: imports neither numpy nor anything that searches. A term says what is meant, never
how it is found. `tree` holds what combines terms; the leaves stand by kind: `named` (what
somebody or a pack has named), `facts` (what a photo says of itself), `visual` (likeness).
Invariant: `And` and `Or` are flat and hold at least two terms; no visual leaf without a
`min_score` stands under a `Not`; `localsearch.parse(str(term)) == term` for every term that can
be written down (a `like` of bytes, base64 or a live object cannot, nor can an empty `ids`).

Meaning (sets within the universe, scores in [0, 1]): `And` intersects and multiplies, `Or` unites
and takes the larger score of the branches that match, `Not` is the rest of the universe and only
filters. Concepts and visual leaves rank; every other leaf only filters (score 1).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from localsearch.search.terms.named import (
    Concept,
    Ids,
    PathTerm,
    State,
    Tag,
    concept,
    ids,
    path,
    state,
    tag,
)
from localsearch.search.terms.tree import And, Not, Or, Term, all_of, any_of, leaves_of
from localsearch.search.terms.visual import VISUAL, Like, Sum, Text, Visual, like, text

if TYPE_CHECKING:
    from localsearch.search.terms.facts import (
        Box,
        Camera,
        Metadata,
        Near,
        Taken,
        box,
        camera,
        metadata,
        near,
        taken,
    )

__all__ = [
    "VISUAL",
    "And",
    "Box",
    "Camera",
    "Concept",
    "Ids",
    "Like",
    "Metadata",
    "Near",
    "Not",
    "Or",
    "PathTerm",
    "State",
    "Sum",
    "Tag",
    "Taken",
    "Term",
    "Text",
    "Visual",
    "all_of",
    "any_of",
    "box",
    "camera",
    "concept",
    "ids",
    "leaves_of",
    "like",
    "metadata",
    "near",
    "path",
    "state",
    "tag",
    "taken",
    "text",
]

_FACTS = frozenset(
    ("Box", "Camera", "Metadata", "Near", "Taken", "box", "camera", "metadata", "near", "taken")
)


def __getattr__(name: str) -> Any:
    """The terms of `facts`, when one is asked for: a search for a concept needs none of them."""
    if name not in _FACTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.facts"), name)
