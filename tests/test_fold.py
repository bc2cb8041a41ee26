"""Folded bursts: what is shown, what is folded under it, and pages that lose and repeat nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import localsearch as ls
from localsearch.cli import main
from localsearch.records import Ranked
from localsearch.rows import empty, from_array
from localsearch.scores import ScoreMap, cosines
from localsearch.search import fold
from localsearch.segments.live_set import LiveSet
from localsearch.segments.tail import tail_of
from tests.make_library import open_library
from tests.make_pictures import exif_block
from tests.test_duplicates import jpeg, put, view

MAP = ScoreMap([(-1.0, 0.0), (0.1, 0.35), (0.9, 0.95), (1.0, 1.0)])
Array = np.ndarray[Any, Any]


@st.composite
def lists(draw: st.DrawFn) -> tuple[Ranked, LiveSet, dict[int, str]]:
    """A ranked list whose vectors lie in bunches; some rows without a vector, some with times."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(0, 40))
    bunches = rng.normal(size=(draw(st.integers(1, 6)), 16))
    halves = bunches[rng.integers(0, len(bunches), count)]
    halves = halves + rng.normal(size=(count, 16)) * rng.choice([0, 0.05, 0.2, 0.35], (count, 1))
    rows = rng.permutation(count * 2)[:count].astype(np.uint32)
    known = rng.random(count) < draw(st.sampled_from([0.7, 1.0]))
    floors = np.full(3, 65535, np.uint16)
    probabilities = np.zeros((int(known.sum()), 3), np.uint16)
    tail = tail_of(rows[known], halves[known].astype(np.float16), probabilities, floors)
    graves = from_array(rows[known][:1]) if draw(st.booleans()) else empty()
    live = LiveSet(1, 100, 0, "x", (), tail, graves)
    times = {
        int(row): f"2024-05-01T10:00:{int(rng.integers(0, 60)):02}"
        for row in rows
        if rng.random() < 0.7
    }
    scores = np.sort(rng.integers(0, 65536, count))[::-1].astype(np.uint16)
    return Ranked(rows, scores), live, times


def is_near(live: LiveSet, times: dict[int, str], one: int, other: int) -> bool:
    if one not in live.rows or other not in live.rows:
        return False
    halves = live.halves_of(np.array([one, other], np.uint32))
    score = MAP.scores(cosines(halves[:1], halves[1].astype(np.float32)))[0] / 65535
    if score >= fold.NEAR:
        return True
    if score < fold.NEAR_IN_TIME or one not in times or other not in times:
        return False
    apart = datetime.fromisoformat(times[one]) - datetime.fromisoformat(times[other])
    return abs(apart.total_seconds()) <= fold.SECONDS


def shown_by_hand(ranked: Ranked, live: LiveSet, times: dict[int, str]) -> dict[int, int]:
    under: dict[int, int] = {}
    for row in ranked.rows.tolist():
        first = next((one for one in under if is_near(live, times, row, one)), None)
        if first is None:
            under[row] = 0
        else:
            under[first] += 1
    return under


@settings(max_examples=150, deadline=None)
@given(lists(), st.integers(1, 9), st.sampled_from([1, 3, 128]), st.sampled_from([1, 4, 4096]))
def test_pages_are_cuts_of_what_brute_force_shows(
    case: tuple[Ranked, LiveSet, dict[int, str]], limit: int, short: int, long: int
) -> None:
    ranked, live, times = case
    expected = shown_by_hand(ranked, live, times)

    def taken(rows: Any) -> dict[int, str]:
        return {row: times[row] for row in rows if row in times}

    found: dict[int, int] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fold, "_SHORT_BLOCK", short)
        patch.setattr(fold, "_BLOCK", long)
        start, more = 0, True
        while more:
            page = fold.fold(ranked, live, MAP, taken, start=start, stop=start + limit)
            more = page.more
            assert len(page.ranked.rows) == min(limit, max(len(expected) - start, 0))
            found.update(page.under)
            start += limit
    assert list(found.items()) == list(expected.items())
    assert len(found) + sum(found.values()) == len(ranked.rows)


@pytest.fixture
def library(photos: Path) -> Iterator[ls.Library]:
    """Three bursts of four photos, and nine other photos."""
    for burst in range(3):
        for n in range(4):
            exif = exif_block(date=f"2024:05:0{burst + 1} 10:00:0{2 * n}")
            put(photos, f"{burst}-{n}.jpg", jpeg(view(burst, shift=2 * n), exif=exif))
    for seed in range(10, 19):
        put(photos, f"{seed}.jpg", jpeg(view(seed)))
    with open_library(photos) as opened:
        opened.sync()
        yield opened


QUERIES = ["like-id", "outdoors or red or blue", "path:*.jpg", "-red"]


@pytest.mark.parametrize("text", QUERIES)
@pytest.mark.parametrize("limit", [1, 3, 5, 20])
def test_pages_lose_and_repeat_nothing(library: ls.Library, text: str, limit: int) -> None:
    query = text
    if text == "like-id":
        query = f"like-id:{next(library.inputs()).id}"
    plain = [hit.id for hit in library.scan(query)]
    shown: list[ls.Hit] = []
    page: ls.Page | None = library.search(query, limit=limit, fold=True)
    assert page is not None
    assert page.total == len(plain)
    number = 1
    while page is not None:
        assert len(page) == limit or not page.more
        again = library.search(query, limit=limit, page=number, fold=True)
        assert again.hits == page.hits
        shown += page
        page, number = page.next(), number + 1
    ids = [hit.id for hit in shown]
    assert len(set(ids)) == len(ids)
    assert ids == [id for id in plain if id in set(ids)]
    assert len(ids) + sum(hit.folded for hit in shown) == len(plain)
    assert [hit.id for hit in library.search(query, limit=limit, page=number, fold=True)] == []


def test_a_burst_is_one_hit(library: ls.Library) -> None:
    hits = library.search("path:*.jpg", limit=30, fold=True)
    bursts = [hit for hit in hits if hit.path and "-" in hit.path.name]
    assert len({hit.path.name[0] for hit in bursts if hit.path}) == 3
    assert sum(1 + hit.folded for hit in hits) == 21
    plain = library.search("path:*.jpg", limit=30)
    assert all(hit.folded == 0 for hit in plain)
    assert len(plain) == 21


def test_failed_photos_are_never_folded(library: ls.Library, photos: Path) -> None:
    for n in range(3):
        put(photos, f"bad{n}.jpg", b"no picture")
    library.sync()
    hits = library.search(
        "state:unsupported or state:undecodable or path:*.jpg", limit=50, fold=True
    )
    assert sum("bad" in str(hit.path) for hit in hits) == 3


def test_the_command_folds(library: ls.Library, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--library", str(library.store)]
    assert main.run([*store, "search", "path:*.jpg", "--fold", "--limit", "4", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert len(body["hits"]) == 4
    assert body["total"] == 21
    assert body["hits"][0]["folded"] == 3
    assert main.run([*store, "search", "path:*.jpg", "--fold"]) == 0
    assert "(+3)" in capsys.readouterr().out
    assert main.run([*store, "search", "path:*.jpg", "--fold", "--page", "9"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "21 photos match" in told.err
    assert main.run([*store, "search", "path:*.jpg", "--fold", "--all"]) == 2
    assert "--all" in capsys.readouterr().err
