"""Any sequence of changes keeps the law of rows, and agrees with a dictionary."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localsearch.catalog import Catalog, create_catalog, inputs, known, open_catalog, places, tags
from localsearch.catalog import input_reads as reads
from localsearch.catalog.inputs import ELSEWHERE
from localsearch.records import FAILED
from tests.catalog_model import FACTS, NOW_MS, Photo, digest_of, grave_rows, put

CONTENTS = ["ok", *sorted(FAILED)]


class Twin:
    """The real catalog and the dictionary, changed together; `Photo`s are kept by key."""

    def __init__(self, catalog: Catalog, seed: int) -> None:
        self.catalog = catalog
        self.photos: dict[int, Photo] = {}
        self.dead: set[int] = set()
        self.handed_out: list[int] = []
        self.names = 0
        self.random = random.Random(seed)

    def some_key(self) -> int:
        return self.random.choice([*self.photos])

    def settle(self, key: int, was: Photo, row: int) -> None:
        """Check the row that the catalog gave against the law, and remember it."""
        now = self.photos[key]
        lost = was.content == "ok" and was.digest is not None and now.content != "ok"
        other = was.digest != now.digest or lost
        if was.live and (other or not now.live):
            self.dead.add(was.row)
        if other or (now.live and not was.live):
            assert row > max(self.handed_out)
            self.handed_out.append(row)
        else:
            assert row == was.row
        now.row = row

    def put(self, conn: sqlite3.Connection) -> None:
        self.names += 1
        content = self.random.choice([*CONTENTS, "ok", "ok", "ok"])
        placed = put(conn, self.names, state=content, digest=digest_of(self.names % 7))
        assert placed.row > max(self.handed_out, default=0)
        self.handed_out.append(placed.row)
        self.photos[placed.key] = Photo(placed.row, digest_of(self.names % 7), content, content)

    def replace(self, conn: sqlite3.Connection) -> None:
        key = self.some_key()
        was = self.photos[key]
        content = self.random.choice(CONTENTS)
        digest = bytes([self.random.randrange(256)]) * 31 + b"r"
        if digest == was.digest:
            return
        row = inputs.replace_content(
            conn,
            key,
            digest=digest,
            size=1,
            mtime_ns=1,
            facts=FACTS,
            state=content,
            now_ms=NOW_MS,
        )
        self.photos[key] = Photo(was.row, digest, content, content, was.removed, was.tags)
        self.settle(key, was, row)

    def move(self, conn: sqlite3.Connection) -> None:
        key = self.some_key()
        was = self.photos[key]
        self.names += 1
        row = inputs.move(
            conn,
            key,
            root=None,
            folder=b"/moved",
            name=b"%d" % self.names,
            size=1,
            mtime_ns=1,
            now_ms=NOW_MS,
        )
        self.photos[key] = Photo(
            was.row, was.digest, was.content, was.content, was.removed, was.tags
        )
        self.settle(key, was, row)

    def set_state(self, conn: sqlite3.Connection) -> None:
        keys = self.random.sample([*self.photos], self.random.randint(1, len(self.photos)))
        state = self.random.choice(["ok", *sorted(ELSEWHERE), *sorted(FAILED)])
        inputs.set_state(conn, keys, state, "reason", NOW_MS)
        rows = {one.key: one.row for one in reads.by_keys(conn, keys)}
        for key in sorted(keys, key=lambda key: rows[key]):
            was = self.photos[key]
            content = state if state in FAILED else was.content
            shown = content if state == "ok" else state
            if state == "offline" and was.state == "missing":
                shown = "missing"
            self.photos[key] = Photo(was.row, was.digest, shown, content, was.removed, was.tags)
            self.settle(key, was, rows[key])

    def remove(self, conn: sqlite3.Connection) -> None:
        key = self.some_key()
        was = self.photos[key]
        removed = self.random.random() < 0.6
        row = inputs.set_removed(conn, key, removed, NOW_MS)
        self.photos[key] = Photo(was.row, was.digest, was.state, was.content, removed, was.tags)
        self.settle(key, was, row)

    def purge(self, conn: sqlite3.Connection) -> None:
        keys = self.random.sample([*self.photos], self.random.randint(1, min(3, len(self.photos))))
        gone = inputs.purge(conn, keys)
        assert gone.inputs == len(keys)
        lost = {self.photos[key].digest for key in keys}
        for key in keys:
            was = self.photos.pop(key)
            if was.live:
                self.dead.add(was.row)
        assert set(gone.orphans) == lost - {photo.digest for photo in self.photos.values()}

    def tag(self, conn: sqlite3.Connection) -> None:
        key = self.some_key()
        name, value = self.random.choice(["pet", "red"]), self.random.random() < 0.5
        tags.put(conn, key, name, value)
        self.photos[key].tags[name] = value

    def undone(self, conn: sqlite3.Connection) -> None:
        """A change that fails: nothing of it is there, and its rows may be handed out."""
        with pytest.raises(ZeroDivisionError), self.catalog.writing("inner") as inner:
            put(inner, 100_000)
            inputs.set_state(inner, [*self.photos], "missing", "", NOW_MS)
            _ = 1 / 0

    def reopen(self) -> None:
        self.catalog.close()
        self.catalog = open_catalog(self.catalog.store)

    def step(self, name: str) -> None:
        if name == "reopen":
            self.reopen()
            return
        change: Callable[[sqlite3.Connection], None] = getattr(self, name)
        if self.photos or name == "put":
            with self.catalog.writing("test") as conn:
                change(conn)

    def check(self) -> None:
        with self.catalog.reading() as conn:
            photos = self.photos
            found = {one.key: one for one in reads.by_keys(conn, [*photos])}
            assert {key: (one.row, one.state, one.removed) for key, one in found.items()} == {
                key: (photo.row, photo.state, photo.removed) for key, photo in photos.items()
            }
            graves = grave_rows(conn)
            live = {photo.row for photo in photos.values() if photo.live}
            assert len(graves) == len(set(graves)) and set(graves) == self.dead
            assert not live & self.dead
            assert self.handed_out == sorted(set(self.handed_out))
            assert reads.last_row(conn) == max(self.handed_out, default=0)
            assert reads.live_featured_rows(conn) == sorted(
                (photo.row, photo.digest) for photo in photos.values() if photo.featured
            )
            counts = Counter(photo.state for photo in photos.values() if not photo.removed)
            assert reads.count_by_state(conn) == counts
            assert reads.count_removed(conn) == sum(photo.removed for photo in photos.values())
            for name in ("pet", "red"):
                tagged = sorted(p.row for p in photos.values() if p.tags.get(name))
                assert tags.rows_with(conn, name).tolist() == tagged
            assert {one.key for one in known.known_below(conn, None)} == set(photos)


STEPS = ["put"] * 4 + ["replace", "move", "set_state", "remove", "purge", "tag", "undone", "reopen"]


def run(seed: int, steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        twin = Twin(create_catalog(Path(folder)), seed)
        try:
            for step in steps:
                twin.step(step)
                twin.check()
            assert twin.catalog.complaints() == []
        finally:
            twin.catalog.close()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.lists(st.sampled_from(STEPS), min_size=1, max_size=25))
def test_any_sequence_of_changes(seed: int, steps: list[str]) -> None:
    run(seed, steps)


@pytest.mark.long
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.lists(st.sampled_from(STEPS), min_size=20, max_size=100))
def test_any_long_sequence_of_changes(seed: int, steps: list[str]) -> None:
    run(seed, steps)


NAMES = st.text(st.sampled_from("aAüu\u0308ß.*[]!-/ \udcff\n"), max_size=8)


@given(NAMES, NAMES)
def test_a_path_without_signs_matches_itself_only(first: str, second: str) -> None:
    """Against equality, which is what a pattern without signs means."""
    plain = "".join("_" if one in "*?[" else one for one in first)
    path, other = (
        plain.encode("utf-8", "surrogateescape"),
        second.encode("utf-8", "surrogateescape"),
    )
    matches = places.glob_matcher(plain)
    assert matches(b"", path)
    same = places.folded(b"", path) == places.folded(b"", other)
    assert same or not matches(b"", other)
