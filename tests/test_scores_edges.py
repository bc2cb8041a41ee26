"""Thresholds at their edges: nothing below passes, and what was shown passes when given back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import localsearch as ls
from localsearch import scores
from tests.make_library import open_library, write_photo


def test_a_hair_above_a_score_is_out_of_its_reach() -> None:
    for q in range(65536):
        score = float(scores.value_of(q))
        assert scores.at_least(score) == q
        assert scores.at_least(float(np.nextafter(score, 2.0))) == q + 1
        assert scores.at_least(score + 5e-10) == q + 1


@given(st.floats(0, 1))
def test_the_threshold_is_exact(threshold: float) -> None:
    q = scores.at_least(threshold)
    assert q > 65535 or scores.value_of(q) >= threshold
    assert q == 0 or scores.value_of(q - 1) < threshold


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.6, 0.7, 0.9])
def test_decimals_round_up(threshold: float) -> None:
    q = scores.at_least(threshold)
    assert q / 65535 >= threshold > (q - 1) / 65535


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(-1.0, 0), (-0.0, 0), (5e-324, 1), (1e-10, 1), (1.0, 65535), (1.0 + 1e-10, 65536)],
)
def test_the_ends(threshold: float, expected: int) -> None:
    assert scores.at_least(threshold) == expected


@pytest.fixture
def library(photos: Path) -> ls.Library:
    for n in range(12):
        write_photo(photos / f"{n}.png", n)
    opened = open_library(photos)
    opened.sync()
    return opened


def test_no_hit_scores_less_than_was_asked_for(library: ls.Library, photos: Path) -> None:
    like = photos / "3.png"
    with library:
        for hit in [*library.scan("colour"), *library.scan(ls.like(like))]:
            above = float(np.nextafter(hit.score, 2.0))
            for floor in (hit.score, above, min(1.0, hit.score + 5e-10)):
                if floor > 1.0:
                    continue
                found = [
                    *library.scan("colour", min_score=floor),
                    *library.scan(ls.concept("colour", at_least=floor)),
                    *library.scan(ls.like(like), min_score=floor),
                    *library.scan(ls.like(like, min_score=floor)),
                ]
                assert all(one.score >= floor for one in found)


def test_a_score_that_was_shown_finds_its_photo_again(library: ls.Library, photos: Path) -> None:
    like = photos / "3.png"
    with library:
        for hit in library.scan("colour"):
            for query in (
                ls.concept("colour", at_least=hit.score),
                ls.parse(f"colour>={hit.score!r}"),
            ):
                assert hit.id in {one.id for one in library.scan(query)}
        for hit in library.scan(ls.like(like)):
            again = library.scan(ls.like(like, min_score=hit.score), min_score=hit.score)
            assert hit.id in {one.id for one in again}
