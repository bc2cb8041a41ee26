"""The brute-force oracle: what a search must answer, said as plainly as it can be said.

Looks at one photo after the other and asks of each: does it match, with what score? Shares no
code with `localsearch.search` (it reads the terms, which are the question) and uses of the house
only `scores`: the one function for cosines and the one rounding.
"""

from __future__ import annotations

import fnmatch
import json
import math
import unicodedata
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from localsearch import scores


@dataclass
class Photo:
    """One input; without features, `vector` (float16 [D]) and `probabilities` are None."""

    row: int
    id: str
    path: str = ""
    root: str | None = None
    state: str = "ok"
    removed: bool = False
    tags: dict[str, bool] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    taken_at: str | None = None
    place: tuple[float, float] | None = None  # latitude, longitude
    camera: str | None = None
    vector: npt.NDArray[np.float16] | None = None
    probabilities: npt.NDArray[np.uint16] | None = None

    @property
    def live(self) -> bool:
        return not self.removed and self.state != "missing"


@dataclass
class World:
    """Everything that a query is asked of."""

    photos: dict[str, Photo]  # by id
    concepts: dict[str, int]  # name, synonym or id -> index
    floors: npt.NDArray[np.uint16]
    visual: scores.ScoreMap
    pictures: dict[str, npt.NDArray[np.float32]]  # path of a query picture -> its vector
    texts: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)  # text -> its vector
    text_map: scores.ScoreMap | None = None


def search(world: World, tree: Any, min_score: float = 0.0) -> list[tuple[int, int]]:
    """The whole answer, best first: (row, 16-bit score)."""
    found = []
    for photo in universe(world, tree):
        value = score(world, tree, photo)
        if value is not None:
            found.append((photo.row, int(scores.quantise([value])[0])))
    kept = [(row, q) for row, q in found if q / 65535 >= min_score]
    return sorted(kept, key=lambda hit: (-hit[1], hit[0]))


def universe(world: World, tree: Any) -> list[Photo]:
    """Photos that can be found by what is in them; if a state is asked for, all inputs."""
    if asks_for_state(tree):
        return [photo for photo in world.photos.values() if not photo.removed]
    return [p for p in world.photos.values() if p.live and p.vector is not None]


def asks_for_state(tree: Any) -> bool:
    match kind(tree):
        case "And" | "Or":
            return any(asks_for_state(each) for each in tree.terms)
        case "Not":
            return asks_for_state(tree.term)
    return kind(tree) == "State"


def score(world: World, tree: Any, photo: Photo) -> float | None:
    """The score of a photo before the last rounding; None where it does not match."""
    match kind(tree):
        case "And":
            values = [score(world, each, photo) for each in tree.terms]
            known = [value for value in values if value is not None]
            return math.prod(sorted(known)) if len(known) == len(values) else None
        case "Or":
            values = [score(world, each, photo) for each in tree.terms]
            return max((value for value in values if value is not None), default=None)
        case "Not":
            return 1.0 if score(world, tree.term, photo) is None else None
        case "Concept":
            return concept(world, tree, photo)
        case "Like" | "Text" | "Sum":
            return likeness(world, tree, photo)
    return 1.0 if passes(tree, photo) else None


def concept(world: World, term: Any, photo: Photo) -> float | None:
    if photo.probabilities is None or not photo.live:
        return None
    index = world.concepts[term.name]
    q = int(photo.probabilities[index])
    reached = q >= world.floors[index] and q / 65535 >= term.at_least
    return q / 65535 if reached else None


def likeness(world: World, term: Any, photo: Photo) -> float | None:
    if photo.vector is None or not photo.live:
        return None
    query = wanted(world, term)
    cosine = scores.cosines(photo.vector[None, :], query)
    value = int(score_map(world, term).scores(cosine)[0]) / 65535
    return None if term.min_score is not None and value < term.min_score else value


def score_map(world: World, term: Any) -> scores.ScoreMap:
    """That of pictures where one counts for the answer, or where no text is asked for."""
    parts = term.terms if kind(term) == "Sum" else [(1.0, term)]
    positive = any(kind(each) == "Like" and weight > 0 for weight, each in parts)
    if positive or all(kind(each) == "Like" for _, each in parts):
        return world.visual
    assert world.text_map is not None
    return world.text_map


def wanted(world: World, term: Any) -> npt.NDArray[np.float32]:
    """The vector of a visual leaf: of a file, of what is stored of an input, of a text."""
    if kind(term) == "Sum":
        vectors = [wanted(world, each) for _, each in term.terms]
        summed = scores.weighted_sum(vectors, [weight for weight, _ in term.terms])
        assert summed is not None
        return summed
    if kind(term) == "Text":
        return world.texts[term.query]
    if term.id is None:
        found = world.pictures[term.source]
    else:
        stored = world.photos[term.id].vector
        assert stored is not None
        found = stored.astype(np.float32)
    # Part of a picture is another picture; which one is told by the region alone.
    return found if term.region is None else np.roll(found, 1 + int(10 * term.region[0]))


def passes(term: Any, photo: Photo) -> bool:
    match kind(term):
        case "Tag":
            tags = {name.casefold(): value for name, value in photo.tags.items()}
            return tags.get(term.name.casefold()) is term.value
        case "Ids":
            return photo.id in term.ids
        case "PathTerm":
            return term.root in (None, photo.root) and glob(term.pattern, photo.path)
        case "State":
            return photo.state == str(term.word)
        case "Metadata":
            return contains(photo.metadata, json.loads(term.document))
        case "Taken":
            return photo.taken_at is not None and (
                (term.after or "") <= photo.taken_at < (term.before or "9")
            )
        case "Near":
            return photo.place is not None and distance(photo.place, term) <= term.km
        case "Box":
            return photo.place is not None and inside(photo.place, term)
        case "Camera":
            return photo.camera is not None and folded(term.name) in folded(photo.camera)
    raise AssertionError(f"the oracle knows no {kind(term)}")


def contains(stored: Any, asked: Any) -> bool:
    """Objects hold every key asked for (null: or do not), lists each element, scalars are equal."""
    if isinstance(asked, dict):
        return isinstance(stored, dict) and all(
            contains(stored[key], value) if key in stored else value is None
            for key, value in asked.items()
        )
    if isinstance(asked, list):
        return isinstance(stored, list) and all(
            any(contains(element, each) for element in stored) for each in asked
        )
    return isinstance(stored, bool) == isinstance(asked, bool) and stored == asked


def distance(place: tuple[float, float], term: Any) -> float:
    """Kilometres along the ground, by the angle between two directions from the Earth's centre."""

    def direction(lat: float, lon: float) -> tuple[float, float, float]:
        phi, theta = math.radians(lat), math.radians(lon)
        return math.cos(phi) * math.cos(theta), math.cos(phi) * math.sin(theta), math.sin(phi)

    chord = math.dist(direction(*place), direction(term.lat, term.lon))
    return 2 * 6371.0088 * math.asin(min(chord / 2, 1.0))


def inside(place: tuple[float, float], term: Any) -> bool:
    lat, lon = place
    around = {lon, -lon} if abs(lon) == 180 else {lon}  # one meridian, two numbers

    def between(lon: float) -> bool:
        if term.west <= term.east:
            return bool(term.west <= lon <= term.east)
        return bool(lon >= term.west or lon <= term.east)

    return term.south <= lat <= term.north and any(between(each) for each in around)


def folded(text: str) -> str:
    return unicodedata.normalize("NFC", text.casefold())


def glob(pattern: str, path: str) -> bool:
    """`*` and `?` stay within a name, a name `**` stands for any number of folders."""

    def fits(parts: list[str], names: list[str]) -> bool:
        if not parts:
            return not names
        if parts[0] == "**":
            if len(parts) == 1:
                return bool(names)
            return fits(parts[1:], names) or (bool(names) and fits(parts, names[1:]))
        return (
            bool(names) and fnmatch.fnmatchcase(names[0], parts[0]) and fits(parts[1:], names[1:])
        )

    return fits(pattern.split("/"), path.split("/"))


def kind(term: Any) -> str:
    return type(term).__name__
