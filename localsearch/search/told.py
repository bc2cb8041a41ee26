"""What a search says of the free text in its query: words it has left out, floors, concepts.

Sentences only; never decides anything. What it tells is what the search has used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from localsearch.search.floor import text_floor
from localsearch.search.lift import named_in
from localsearch.search.terms import Sum, Term, Text, leaves_of

if TYPE_CHECKING:
    from localsearch.search.snapshot import Snapshot


def left_out(snapshot: Snapshot, tree: Term) -> tuple[str, ...]:
    """A sentence for each text of a query with words that the pack does not know."""
    words = snapshot.pack.words
    found = dict[str, None]()
    for text in _texts(tree):
        unknown = () if words is None else words.read(text.query).unknown
        if unknown:
            told = ", ".join(f'"{word}"' for word in unknown)
            found[f'left out of "{text.query}", as no word that the pack knows: {told}'] = None
    return tuple(found)


def nothing_relevant(tree: Term) -> tuple[str, ...]:
    """Why a query without hits has none, as far as a text's floor is why; with what to do."""
    floored = [leaf for leaf in leaves_of(tree) if isinstance(leaf, Text) and _has_floor(leaf)]
    return tuple(
        f'nothing is near enough to "{leaf.query}"; {leaf}>=0 asks for the nearest all the same'
        for leaf in dict.fromkeys(floored)
    )


def floors_and_concepts(snapshot: Snapshot, tree: Term) -> tuple[str, ...]:
    """For each text leaf of a query: what its hits reach and why, and what raises their scores."""
    found: list[str] = []
    for leaf in dict.fromkeys(leaves_of(tree)):
        if isinstance(leaf, Text):
            found.append(_floor_told(snapshot, leaf))
            concepts = ", ".join(map(str, named_in(snapshot, leaf)))
            found += [f"{leaf}: raised where there is {concepts}"] if concepts else []
    return tuple(found)


def _floor_told(snapshot: Snapshot, leaf: Text) -> str:
    spec = snapshot.pack.text
    if not _has_floor(leaf) or spec is None:
        return f"{leaf}: its own lowest score is asked for, not what is relevant in this library"
    floor = text_floor(snapshot, leaf)
    doubted = f" and {spec.doubt:g} x {floor.lacking:.3f} for want of a decoy like it"
    return (
        f"{leaf}: hits score {floor.score / 65535:.3f} or more, a cosine of {floor.cosine:.3f}: "
        f"{spec.spreads:g} x {floor.spread:.3f} above {floor.median:.3f}, the middle of "
        f"{floor.photos} photos and {floor.decoys} decoys"
        f"{doubted if spec.doubt * floor.lacking else ''}, within {spec.least:g} and "
        f"{spec.enough:g}"
    )


def _has_floor(leaf: Text) -> bool:
    return leaf.min_score is None


def _texts(tree: Term) -> Iterator[Text]:
    for leaf in leaves_of(tree):
        parts = [each for _, each in leaf.terms] if isinstance(leaf, Sum) else [leaf]
        yield from (each for each in parts if isinstance(each, Text))
