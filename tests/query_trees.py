"""Random queries over every leaf and node, of names and values that the tests' stores hold."""

from __future__ import annotations

from hypothesis import strategies as st

from localsearch.search.terms import (
    Box,
    Camera,
    Concept,
    Ids,
    Like,
    Near,
    Not,
    PathTerm,
    State,
    Sum,
    Tag,
    Taken,
    Term,
    Text,
    all_of,
    any_of,
    metadata,
)
from tests.search_store import CAMERAS, DATES, DOCUMENTS, PICTURES, PLACES, TAGS, TEXTS

CONCEPTS = ("red", "green", "sky blue", "black", "warm colour", "colour", "people", "outdoors")
FLOORS = st.sampled_from((0.0, 0.35, 0.5, 0.9, 0.9999, 1.0))
REGIONS = st.sampled_from((None, None, (0.0, 0.0, 1.0, 1.0), (0.25, 0.0, 0.75, 0.5)))
# Parts of the documents that are stored, and what is near them but in none or others.
ASKED = (
    *({"album": "home"}, {"year": 2024}, {"year": "2024"}, {"stars": 1}, {"stars": True}),
    *({"place": {"city": "Köln"}}, {"place": {"tags": ["b", "a"]}}, {"place": {"tags": [3.0]}}),
    *({"place": {"people": [{"name": "Ann"}]}}, {"place": {"tags": []}}, {"place": {}}),
    *({"note": None}, {"album": None, "year": None}, {"place": {"people": [{"age": 4}]}}),
    *({"album": "home", "year": 2024.0}, {"place": {"city": None}}, {"nothing": "there"}),
)


def taken_terms() -> st.SearchStrategy[Taken]:
    ends = sorted({*DATES, "2024-05-01T00:00:01", "2024-06-01T00:00:00"})
    two = st.lists(st.sampled_from(ends), min_size=2, max_size=2, unique=True).map(sorted)
    return st.one_of(
        two.map(lambda pair: Taken(*pair)),
        st.sampled_from(ends).map(lambda end: Taken(end, None)),
        st.sampled_from(ends).map(lambda end: Taken(None, end)),
    )


def places() -> st.SearchStrategy[Term]:
    """Circles and boxes around the places that are stored, some over the date line or a pole."""
    near = st.builds(
        lambda place, km: Near(*place, km),
        st.sampled_from((*PLACES, (0.0, -180.0), (-90.0, 3.0))),
        st.sampled_from((0.001, 5.0, 8.0, 100.0, 9_999.0, 20_100.0)),
    )
    edges = st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES))
    box = edges.map(
        lambda two: Box(min(two[0][0], two[1][0]), two[0][1], max(two[0][0], two[1][0]), two[1][1])
    )
    return near | box


def visual(floors: st.SearchStrategy[float | None]) -> st.SearchStrategy[Term]:
    like = st.builds(
        lambda name, floor, region: Like(name, min_score=floor, region=region),
        *(st.sampled_from(PICTURES), floors, REGIONS),
    )
    parts = st.one_of(
        st.builds(
            lambda name, region: Like(name, region=region), st.sampled_from(PICTURES), REGIONS
        ),
        st.builds(Text, st.sampled_from(TEXTS)),
    )
    sums = st.builds(
        lambda parts, weights, floor: Sum(tuple(zip(weights, parts, strict=False)), floor),
        st.lists(parts, min_size=1, max_size=3, unique_by=lambda part: part.vector_key()),
        st.lists(st.sampled_from((0.6, 0.2, -0.4, -1.0, 3.0)), min_size=3, max_size=3),
        floors,
    )
    return st.one_of(like, st.builds(Text, st.sampled_from(TEXTS), floors), sums)


def leaves(loose: bool) -> st.SearchStrategy[Term]:
    """All leaves; `loose` allows visual ones without a floor, which may not stand under a NOT."""
    return st.one_of(
        st.builds(Concept, st.sampled_from(CONCEPTS), st.one_of(st.just(0.0), st.floats(0, 1))),
        st.builds(Tag, st.sampled_from((*TAGS, "pET", "nobody's")), st.booleans()),
        st.builds(Ids, st.lists(st.integers(0, 60).map("id-{}".format), max_size=12).map(tuple)),
        st.builds(
            PathTerm,
            st.sampled_from(["2023/**", "**/a/*", "**", "2024/?/**/*1.jpg", "*/*.jpg", "no"]),
            st.sampled_from([None, "home", "card", "nowhere"]),
        ),
        st.builds(State, st.sampled_from(["ok", "missing", "offline", "undecodable"])),
        st.sampled_from((*ASKED, *DOCUMENTS)).map(metadata),
        taken_terms(),
        places(),
        st.builds(Camera, st.sampled_from((*CAMERAS, "IPHONE", "straße", "canon eos", "Nikon"))),
        visual(st.none() | FLOORS if loose else FLOORS),
    )


def trees(loose: bool) -> st.SearchStrategy[Term]:
    strict = st.recursive(leaves(False), lambda inner: nodes(inner) | st.builds(Not, inner))
    if not loose:
        return strict
    return st.recursive(leaves(True), lambda inner: nodes(inner | strict), max_leaves=6)


def nodes(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    several = st.lists(inner, min_size=2, max_size=4)
    return several.map(all_of) | several.map(any_of)


def questions() -> st.SearchStrategy[Term]:
    """Trees, and often what people ask: one leaf, or a few of them ANDed."""
    few = st.lists(leaves(True), min_size=2, max_size=3).map(all_of)
    return st.one_of(leaves(True), few, trees(True), trees(False))
