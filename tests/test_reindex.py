"""A library moves to another pack: all of it, resumably, without a mixed answer, and back."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import localsearch as ls
from localsearch.catalog import packs, segment_names
from localsearch.catalog.features import Features, open_features
from localsearch.library import reindexing
from localsearch.library.models import Models
from localsearch.publish import plan
from localsearch.reindex import run, survey
from tests.make_library import OPENED, counts, open_library, settled, write_photo
from tests.tiny_pack import make_tiny_pack, tiny_pack_folder

SIZE = (400, 330)  # larger than a thumbnail, so that one differs from its photo


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Another encoder, under the same name, of version 2."""
    return str(make_tiny_pack(tmp_path_factory.mktemp("other") / "tiny", seed=5, version=2))


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same encoder with other calibrations, of version 3."""
    return str(make_tiny_pack(tmp_path_factory.mktemp("tables") / "tiny", version=3))


@pytest.fixture
def library(photos: Path) -> Iterator[ls.Library]:
    """Twelve photos, with the first pack."""
    for n in range(12):
        write_photo(photos / f"f{n % 2}" / f"{n}.png", n, size=SIZE)
    with open_library(photos) as opened:
        opened.sync()
        yield opened


Told = list[tuple[str, float]]


def answers(library: ls.Library, photos: Path) -> list[Told]:
    """What some searches give, by path."""
    queries: list[Any] = [ls.like(photos / "f1" / f"{n}.png") for n in (3, 7)]
    queries += [ls.concept(name) for name in ("red", "warm colour", "people", "dark")]
    return [[(hit.relative, hit.score) for hit in _hits(library, query)] for query in queries]


class _Shown:
    def __init__(self, hit: ls.Hit, folder: Path) -> None:
        assert hit.path is not None
        self.relative, self.score = hit.path.relative_to(folder).as_posix(), hit.score


def _hits(library: ls.Library, query: Any) -> list[_Shown]:
    folder = library.roots()[0].path
    return sorted(
        (_Shown(hit, folder) for hit in library.search(query, limit=500)),
        key=lambda one: (-one.score, one.relative),
    )


def fresh(photos: Path, pack: str, store: Path) -> list[Told]:
    """What a library says that was made with that pack: the oracle."""
    shutil.rmtree(store, ignore_errors=True)
    with ls.open(photos, store=store, pack=pack) as library:
        library.sync()
        return answers(library, photos)


def described(library: ls.Library) -> dict[str, Any]:
    """All that a user or an app sees of the inputs."""
    every = [*library.inputs(), *library.inputs(removed=True)]
    return {one.id: (one.row, one.state, one.removed, one.tags, one.metadata) for one in every}


def no_inference(patch: pytest.MonkeyPatch) -> None:
    def opened(self: Models, threads: int) -> Any:
        raise AssertionError("a network was opened")

    patch.setattr(Models, "_opened", opened)


# ---------------------------------------------------------------- the way there


def test_another_encoder(library: ls.Library, photos: Path, other: str, tmp_path: Path) -> None:
    ids = [one.id for one in library.inputs()]
    library.tag(ids[:3], "pet")
    library.update(ids[1], metadata={"album": "home"})
    library.remove(ids[4])
    (photos / "f1" / "9.png").unlink()
    kept = library.add((photos / "f0" / "2.png").read_bytes() + b"\0", id="kept-bytes")
    assert kept.state == "ok"
    library.sync(allow_removals=True)
    before = described(library)
    shown: list[ls.Progress] = []
    report = library.reindex(other, progress=shown.append)
    assert (report.before, report.pack) == ("tiny 1", "tiny 2")
    assert report.switched and not report.stopped and not report.failures
    assert report.contents == 13 and report.inferred == 12 and report.lacking == 0
    assert report.from_thumbnails == 1  # the missing one: nothing else is there of it
    assert described(library) == before
    assert shown[-1].stage == "reindex" and shown[-1].done == shown[-1].total == 13
    assert library.status().pack == "tiny 2" and library.status().previous_pack == "tiny 1"
    library.purge("kept-bytes")
    library.restore(ids[4])
    assert answers(library, photos) == fresh(photos, other, tmp_path / "fresh")
    assert library.verify() == ()


def test_tables_alone_cost_no_inference(
    library: ls.Library, photos: Path, tables: str, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        no_inference(patch)
        report = library.reindex(tables)
    assert report.switched and report.inferred == 0 and report.kept == 12
    assert len([*library.store.glob("features-*.sqlite")]) == 1
    assert answers(library, photos) == fresh(photos, tables, tmp_path / "fresh")
    with pytest.MonkeyPatch.context() as patch:
        no_inference(patch)
        assert library.reindex(rollback=True).switched
    assert answers(library, photos) == fresh(photos, str(tiny_pack_folder()), tmp_path / "fresh")


def test_new_segments_count_from_the_same_commit(
    photos: Path, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "FULL", 8)
    monkeypatch.setattr(plan, "WORTH", 4)
    for n in range(30):
        write_photo(photos / f"f{n % 2}" / f"{n}.png", n)
    with open_library(photos) as library:
        library.sync()
        library.remove([one.id for one in library.inputs()][3:5])
        settled(library)
        library.reindex(other)
        settled(library)
        with library._parts.truth.catalog.reading() as conn:
            named = segment_names.named(conn)
        digest = library._parts.pack.pack_digest
        assert named and {row.pack_digest for row in named} == {digest}
        assert library.status().tail == 0 and library.verify() == ()
        library.restore([one.id for one in library.inputs(removed=True)])
        assert answers(library, photos) == fresh(photos, other, tmp_path / "fresh")


def test_where_segments_cannot_be_built_it_switches_all_the_same(
    library: ls.Library, photos: Path, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "WORTH", 4)
    library.sync()
    library.reindex(other)
    monkeypatch.setattr("localsearch.publish.build.free_bytes", lambda path: 0)
    report = library.reindex(rollback=True)
    assert report.switched and "built by the next sync" in report.notes[0]
    first = fresh(photos, str(tiny_pack_folder()), tmp_path / "fresh")
    assert answers(library, photos) == first
    monkeypatch.undo()
    library.sync()
    assert answers(library, photos) == first and library.verify() == ()


def test_the_installed_pack_is_what_status_tells_and_reindex_takes(
    library: ls.Library, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert library.status().newer_pack is None
    assert not library.reindex().switched  # nothing newer is there
    place = tmp_path / "localsearch" / "packs"
    place.mkdir(parents=True)
    shutil.copytree(other, place / "tiny")
    assert library.status().newer_pack == "tiny 2"
    assert library.reindex().pack == "tiny 2"
    assert library.status().newer_pack is None


# ---------------------------------------------------------------- back


def test_rollback_finds_what_came_since(
    library: ls.Library, photos: Path, other: str, tmp_path: Path
) -> None:
    first = answers(library, photos)
    library.reindex(other)
    second = answers(library, photos)
    assert first != second
    write_photo(photos / "f0" / "new.png", 50, size=SIZE)
    library.sync()
    back = library.reindex(rollback=True)
    assert back.switched and back.inferred == 1 and back.kept == 12
    assert answers(library, photos) == fresh(photos, str(tiny_pack_folder()), tmp_path / "fresh")
    (photos / "f0" / "new.png").unlink()
    library.sync()
    assert answers(library, photos) == first
    assert library.reindex(rollback=True).pack == "tiny 2"  # forth again
    assert answers(library, photos) == second


def test_there_is_no_way_back_without_features(library: ls.Library, other: str) -> None:
    with pytest.raises(ls.PackError, match="no pack to go back to"):
        library.reindex(rollback=True)
    with pytest.raises(ls.InputError):
        library.reindex("tiny", rollback=True)
    library.reindex(other)
    former = {*library.store.glob("features-*.sqlite")} - {library._parts.truth.features.path}
    done = library.compact()
    assert done.notes == ("the pack before, tiny 1, was dropped",)
    assert not any(path.exists() for path in former)
    assert len([*(library.store / "packs").iterdir()]) == 1
    with pytest.raises(ls.PackError, match="no pack to go back to"):
        library.reindex(rollback=True)
    library.reindex(str(tiny_pack_folder()))
    for path in library.store.glob("features-*.sqlite*"):
        if not path.name.startswith(library._parts.truth.features.path.name):
            path.unlink()
    with pytest.raises(ls.PackError, match="were dropped"):
        library.reindex(rollback=True)


def test_a_purge_reaches_the_features_of_both_packs(library: ls.Library, other: str) -> None:
    library.reindex(other)
    library.purge([one.id for one in library.inputs()][:4])
    for path in library.store.glob("features-*.sqlite"):
        assert _digests_in(path) == 8


def _digests_in(path: Path) -> int:
    import sqlite3

    with sqlite3.connect(path) as conn:
        return int(conn.execute("SELECT count(*) FROM features").fetchone()[0])


# ---------------------------------------------------------------- photos that are away


@pytest.mark.damages  # what is lacking is a finding, rightly
def test_an_offline_root(photos: Path, other: str, tmp_path: Path) -> None:
    for n in range(6):
        write_photo(photos / "f1" / f"{n}.png", n, size=SIZE)
        write_photo(tmp_path / "card" / f"{n}.png", 20 + n, size=SIZE)
    with open_library(photos, roots={"card": tmp_path / "card"}) as library:
        library.sync()
        gone = [one.digest for one in library.inputs() if one.root == "card"][:2]
        library._parts.truth.thumbnails.forget([bytes.fromhex(str(d)) for d in gone])
        (tmp_path / "card").rename(tmp_path / "away")
        library.sync()
        states = sorted(one.state for one in library.inputs())
        report = library.reindex(other)
        assert (report.inferred, report.from_thumbnails, report.lacking) == (6, 4, 2)
        assert {failure[1] for failure in report.failures} == {"offline"}
        assert all(library.get(id).root == "card" for id, _, _ in report.failures)
        assert sorted(one.state for one in library.inputs()) == states
        assert library.search(ls.like(photos / "f1" / "1.png"), limit=50).total == 10
        (tmp_path / "away").rename(tmp_path / "card")
        assert library.reindex().inferred == 6  # no other pack: what is lacking, and better ones
        assert library.status().notes == () and library.verify() == ()
        hits = library.search(ls.like(tmp_path / "card" / "1.png"), limit=50)
        assert hits.total == 12 and hits[0].score == 1.0


@pytest.mark.parametrize("again", ["sync", "reindex"])
def test_thumbnails_first_and_photos_later(
    library: ls.Library, photos: Path, other: str, tmp_path: Path, again: str
) -> None:
    rows = {one.id: one.row for one in library.inputs()}
    report = library.reindex(other, from_thumbnails=True)
    assert report.from_thumbnails == 12 and report.inferred == 0
    assert {one.id: one.row for one in library.inputs()} == rows
    assert "of 12 photos the features come from thumbnails" in library.status().notes[0]
    assert library.verify() == ()
    true = fresh(photos, other, tmp_path / "fresh")
    poor = answers(library, photos)
    assert poor != true and [told[0][0] for told in poor[:2]] == [told[0][0] for told in true[:2]]
    if again == "sync":
        assert counts(library.sync()) == {"unchanged": 12}
    else:
        assert library.reindex().inferred == 12
    assert answers(library, photos) == true
    assert library.status().notes == () and library.verify() == ()
    assert not {one.row for one in library.inputs()} & set(rows.values())  # the law of rows
    assert library.reindex(from_thumbnails=True).kept == 12  # never worse than they were


def test_a_copy_replaces_what_came_from_a_thumbnail(
    library: ls.Library, photos: Path, other: str
) -> None:
    library.reindex(other, from_thumbnails=True)
    features = library._parts.truth.features
    added = library.add((photos / "f0" / "0.png").read_bytes())
    assert added.duplicate_of is not None and features.from_thumbnails() == 11
    assert library.verify() == ()


def test_a_crash_between_better_features_and_their_rows(
    library: ls.Library, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "WORTH", 4)
    library.sync()
    library.reindex(other, from_thumbnails=True)
    library.sync()
    library.reindex(rollback=True)
    library.reindex(other, from_thumbnails=True)  # kept: they are whole
    assert library._parts.truth.features.from_thumbnails() == 0
    features = library._parts.truth.features
    (one, *_) = library.inputs()
    digest = bytes.fromhex(str(one.digest))
    vector, logits = features.of([digest])[digest]
    features.forget([digest])
    features.put_many([(digest, vector, logits)], from_thumbnails=True)
    better = np.roll(vector, 1)
    features.put_many([(digest, better, logits)])  # and here it dies
    assert features.renewed() == [digest]
    assert library.verify() == ()
    assert library.sync().failed == 0
    assert features.renewed() == [] and library.get(one.id).row != one.row
    assert library.verify() == ()


Op = tuple[str, list[int]]
OPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "poor", "settle", "forget"]),
        st.lists(st.integers(0, 5), max_size=4),
    ),
    max_size=12,
)


@settings(max_examples=30, deadline=None)
@given(OPS)
def test_marks_against_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, ops: list[Op]
) -> None:
    store = tmp_path_factory.mktemp("marks")
    features = open_features(store, "ab" * 32, dimensions=2, classes=1)
    values: dict[bytes, int] = {}
    poor: set[bytes] = set()
    renewed: set[bytes] = set()
    for number, (what, which) in enumerate(ops, 1):
        digests = [bytes([n]) * 32 for n in dict.fromkeys(which)]
        if what in ("put", "poor"):
            vector, logits = np.full(2, number, np.float16), np.full(1, number, np.float16)
            made = [(digest, vector, logits) for digest in digests]
            features.put_many(made, from_thumbnails=what == "poor")
            for digest in digests:
                if digest not in values:
                    values[digest] = number
                    if what == "poor":
                        poor.add(digest)
                        renewed.discard(digest)
                elif what == "put" and digest in poor:
                    values[digest] = number
                    poor.discard(digest)
                    renewed.add(digest)
        elif what == "settle":
            features.settle(digests)
            renewed -= {*digests}
        else:
            features.forget(digests)
            for digest in digests:
                values.pop(digest, None)
            poor -= {*digests}
            renewed -= {*digests}
    every = [bytes([n]) * 32 for n in range(6)]
    assert {d: int(v[0]) for d, (v, _) in features.of(every).items()} == values
    assert features.have_whole(every) == values.keys() - poor
    assert features.from_thumbnails() == len(poor) and {*features.renewed()} == renewed
    features.close()


# ---------------------------------------------------------------- stopped, killed, beside others


def test_it_goes_on_where_it_was_stopped(
    library: ls.Library, photos: Path, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = answers(library, photos)
    monkeypatch.setattr(run, "PAGE", 3)
    looked: list[ls.Progress] = []
    report = library.reindex(other, progress=looked.append, stop=lambda: len(looked) > 1)
    assert report.stopped and not report.switched and 0 < report.inferred < 12
    assert answers(library, photos) == first
    status = library.status()
    assert (status.pack, status.building_pack) == ("tiny 1", "tiny 2")
    second = library.reindex()  # that pack again, without its name
    assert second.pack == "tiny 2" and second.switched
    assert second.kept == report.inferred and second.inferred == 12 - report.inferred
    assert answers(library, photos) == fresh(photos, other, tmp_path / "fresh")


def test_it_can_be_given_up(library: ls.Library, other: str) -> None:
    library.reindex(other, stop=lambda: True)
    assert library.status().building_pack == "tiny 2"
    report = library.reindex(str(tiny_pack_folder()))
    assert not report.switched and library.status().building_pack is None
    assert len([*library.store.glob("features-*.sqlite")]) == 1


def test_an_exception_of_progress_ends_it_cleanly(library: ls.Library, other: str) -> None:
    def fail(event: ls.Progress) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        library.reindex(other, progress=fail)
    assert library.reindex().switched


def test_a_pack_that_comes_back_is_opened_anew(
    library: ls.Library, photos: Path, other: str, tmp_path: Path
) -> None:
    first = str(tiny_pack_folder())
    with open_library(photos) as beside:
        beside.reindex(other)
        beside.compact()  # deletes the first pack's features
        beside.reindex(first, from_thumbnails=True)
    # This handle slept meanwhile: its file of features has the same name, and is no more.
    assert library.verify() == ()
    write_photo(photos / "f1" / "late.png", 77)
    library.add(photos / "f1" / "late.png")
    with open_library(photos) as beside:
        assert beside.search(ls.like(photos / "f1" / "late.png"), limit=50).total == 13
        assert beside.verify() == ()


CHILD = """
import sys, localsearch as ls
from localsearch.publish import plan
from localsearch.reindex import run
plan.FULL, plan.WORTH, run.PAGE, run.BATCH = 16, 4, 5, 2
store, first, second = sys.argv[1:4]
with ls.open(store) as library:
    print("open", flush=True)
    for n in range(1000):
        want = [second, first][library.status().pack == "tiny 2"]
        report = library.reindex(want, from_thumbnails=bool(n % 2))
        print(report.pack, flush=True)
        library.sync()
        if n % 3 == 2:
            library.compact()
"""


def kill_rounds(library: ls.Library, photos: Path, other: str, rounds: int, seed: int) -> None:
    chance, first = random.Random(seed), str(tiny_pack_folder())
    library.tag([one.id for one in library.inputs()][:5], "pet")
    ids = {one.id for one in library.inputs()}
    arguments = [str(library.store), first, other]
    for number in range(rounds):
        command = [sys.executable, "-c", textwrap.dedent(CHILD), *arguments]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None and child.stdout.readline() == "open\n"
        time.sleep(chance.uniform(0.0, 1.6))
        child.kill()
        child.communicate()
        # This handle was open all the time, whatever pack is active now.
        assert {one.id for one in library.inputs()} == ids
        assert library.search(ls.tag("pet")).total == 5
        assert library.search(ls.like(photos / "f1" / "3.png"), limit=50).total == len(ids)
        bad = [found for found in library.verify() if found.code != "leftover"]
        assert bad == [], (number, bad)
    for pack in (other, first, other):
        library.reindex(pack)
    library.sync()
    library.compact()
    assert len([*library.store.glob("features-*.sqlite")]) == 1


def test_a_few_kills(library: ls.Library, photos: Path, other: str) -> None:
    kill_rounds(library, photos, other, 4, seed=1)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_twenty_kills(library: ls.Library, photos: Path, other: str) -> None:
    kill_rounds(library, photos, other, 20, seed=2)


def test_what_is_added_and_synced_meanwhile_is_found(
    library: ls.Library, photos: Path, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PAGE", 2)
    monkeypatch.setattr(run, "TURN_SECONDS", 0.05)
    ended = threading.Event()
    added: list[str] = []
    faults: list[BaseException] = []

    def add() -> None:
        try:
            with open_library(photos) as beside:
                number = 0
                while not ended.is_set() or number < 4:
                    write_photo(photos / "f1" / f"more-{number}.png", 100 + number)
                    added.append(beside.add(photos / "f1" / f"more-{number}.png").id)
                    if number % 3 == 0:
                        beside.sync()
                    number += 1
                    time.sleep(0.05)
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)

    thread = threading.Thread(target=add)
    thread.start()
    try:
        report = library.reindex(other)
    finally:
        ended.set()
        thread.join(60)
    assert not faults and report.switched
    library.sync()
    assert len(added) > 2 and {one.id for one in library.inputs()} >= {*added}
    assert answers(library, photos) == fresh(photos, other, tmp_path / "fresh")
    assert library.verify() == ()


def test_what_never_stops_coming_is_caught_up_after_the_switch(
    library: ls.Library, photos: Path, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindexing, "TRIES", 2)
    real = reindexing.catch_up
    number = 0

    def catch_up(work: run.Work, after: int = 0) -> int:
        nonlocal number
        found = real(work, after)
        if number < 5:
            number += 1
            with open_library(photos) as beside:
                beside.add(write_photo(photos / "f0" / f"late-{number}.png", 60 + number))
        return found

    monkeypatch.setattr(reindexing, "catch_up", catch_up)
    assert library.reindex(other).switched
    assert library.verify() == ()
    assert library.search(ls.like(photos / "f1" / "3.png"), limit=50).total == 12 + number


# ---------------------------------------------------------------- other handles


def test_every_handle_of_this_process_follows(
    library: ls.Library, photos: Path, other: str
) -> None:
    with open_library(photos) as writing, ls.open(photos, read_only=True) as reading:
        page = reading.search(ls.concept("warm colour"), limit=2)
        before = answers(reading, photos)
        stream = reading.scan(ls.concept("warm colour"))
        library.reindex(other)
        after = answers(library, photos)
        assert answers(reading, photos) == after != before
        with pytest.raises(ls.LibraryPackChanged):
            page.next()
        with pytest.raises(ls.LibraryPackChanged):
            list(stream)
        assert writing.pack_name == "tiny" and writing.status().pack == "tiny 2"
        write_photo(photos / "f0" / "one.png", 77)
        assert counts(writing.sync())["added"] == 1
        assert library.verify() == ()
        closed = ls.open(photos)
    closed.close()
    assert closed.pack_name == "tiny"


def test_a_stream_of_additions_goes_over_the_switch(
    library: ls.Library, photos: Path, other: str, tmp_path: Path
) -> None:
    files = [write_photo(tmp_path / "more" / f"{n}.png", 200 + n) for n in range(70)]

    def sources() -> Iterator[bytes]:
        for number, file in enumerate(files):
            if number == 40:
                library.reindex(other)
            yield file.read_bytes()

    with open_library(photos) as adding:
        assert [one.state for one in adding.add_many(sources())] == ["ok"] * 70
        assert adding.verify() == ()
        assert adding.search(ls.like(files[3]), limit=100).total == 82


OTHER_PROCESS = """
import sys, localsearch as ls
with ls.open(sys.argv[1], read_only=sys.argv[2] == "ro") as library:
    for line in sys.stdin:
        hits = library.search(ls.like(sys.argv[3]), limit=3)
        print(library.status().pack, [round(hit.score, 6) for hit in hits], flush=True)
"""


@pytest.mark.parametrize("mode", ["rw", "ro"])
def test_another_process_follows(library: ls.Library, photos: Path, other: str, mode: str) -> None:
    query = str(photos / "f1" / "3.png")
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(OTHER_PROCESS),
        str(library.store),
        mode,
        query,
    ]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None and child.stdout is not None

    def asked() -> str:
        child.stdin.write("\n")  # type: ignore[union-attr]
        child.stdin.flush()  # type: ignore[union-attr]
        return child.stdout.readline().strip()  # type: ignore[union-attr]

    def here() -> str:
        hits = library.search(ls.like(query), limit=3)
        return f"{library.status().pack} {[round(hit.score, 6) for hit in hits]}"

    try:
        first = asked()
        assert first == here() and first.startswith("tiny 1")
        library.reindex(other)
        library.compact()  # the former features are gone
        second = asked()
        assert second == here() and second.startswith("tiny 2")
    finally:
        child.stdin.close()
        child.wait(30)


def test_searches_of_other_threads_never_mix(library: ls.Library, photos: Path, other: str) -> None:
    first = answers(library, photos)
    seen: list[list[Told]] = []
    faults: list[BaseException] = []
    ended = threading.Event()

    def search() -> None:
        while not ended.is_set():
            try:
                for query in range(6):
                    seen.append(_one(library, photos, query))
            except BaseException as fault:  # noqa: BLE001
                faults.append(fault)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    library.reindex(other)
    second = answers(library, photos)
    time.sleep(0.2)
    ended.set()
    for thread in threads:
        thread.join(30)
    assert not faults
    expected = [[told] for told in (*first, *second)]
    assert all(told in expected for told in seen)
    assert any(told in [[one] for one in first] for told in seen)


def _one(library: ls.Library, photos: Path, number: int) -> list[Told]:
    queries: list[Callable[[], Any]] = [
        *(lambda n=n: ls.like(photos / "f1" / f"{n}.png") for n in (3, 7)),
        *(lambda name=name: ls.concept(name) for name in ("red", "warm colour", "people", "dark")),
    ]
    hits = sorted(
        (_Shown(hit, photos) for hit in library.search(queries[number](), limit=500)),
        key=lambda one: (-one.score, one.relative),
    )
    return [[(one.relative, one.score) for one in hits]]


def test_one_reindex_at_a_time(library: ls.Library, photos: Path, other: str) -> None:
    with open_library(photos, lock_timeout=0.1) as second:

        def meddle(event: ls.Progress) -> None:
            with pytest.raises(ls.LibraryBusy, match="reindex"):
                second.reindex(other)

        assert library.reindex(other, progress=meddle).switched


def test_a_graph_is_of_its_encoder(photos: Path, other: str, tmp_path: Path) -> None:
    from localsearch.catalog import graphs

    for n in range(12):
        write_photo(photos / "f1" / f"{n}.png", n)
    with open_library(photos, graph="always") as library:
        library.sync()
        settled(library)
        library.compact()
        with library._parts.truth.catalog.reading() as conn:
            former = graphs.all_named(conn)
        library.reindex(other)
        settled(library)
        library.compact()
        with library._parts.truth.catalog.reading() as conn:
            now = graphs.all_named(conn)
        assert [row.encoder_digest for row in now] == [library._parts.pack.encoder_digest]
        assert not former or former[0].encoder_digest != now[0].encoder_digest
        assert library.verify() == ()


# ---------------------------------------------------------------- what stops it before it begins


def test_no_space(library: ls.Library, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "free_bytes", lambda path: 1 << 20)
    there = sorted(path.name for path in library.store.rglob("*"))
    with pytest.raises(ls.LibraryFull, match="needs about"):
        library.reindex(other)
    assert [
        one for one in sorted(p.name for p in library.store.rglob("*")) if one not in there
    ] in (
        [],
        ["reindex.lock"],
    )
    assert library.status().building_pack is None


def test_a_dry_run_writes_nothing(library: ls.Library, photos: Path, other: str) -> None:
    with ls.open(photos, read_only=True) as reading:
        report = reading.reindex(other, dry_run=True)
    assert report.dry_run and not report.switched
    assert (report.contents, report.inferred, report.kept) == (12, 12, 0)
    assert report.bytes > 0 and report.seconds > 0
    assert len([*library.store.glob("features-*.sqlite")]) == 1
    assert library.reindex(other, dry_run=True, from_thumbnails=True).from_thumbnails == 12
    with ls.open(photos, read_only=True) as reading, pytest.raises(ls.LibraryReadOnly):
        reading.reindex(other)
    with pytest.raises(ls.PackMissing):
        library.reindex("no-such-pack")


def test_what_is_taught_changes_in_the_same_commit(library: ls.Library, other: str) -> None:
    told: list[object] = []

    def retrain(features: Features, pack: Any) -> Callable[[Any], None]:
        told.append((features.count(), pack.version))

        def put(conn: Any) -> None:
            row = packs.active(conn)
            told.append(row.version if row is not None else None)

        return put

    reindexing.run_reindex(library._writable, reindexing.Wanted(pack=other), retrain)
    assert told == [(12, 2), 1]


# ---------------------------------------------------------------- the command


def _run(library: ls.Library, *words: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "localsearch", "--library", str(library.store), *words]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == code, done.stderr
    return done.stdout


def test_the_command(library: ls.Library, other: str) -> None:
    told = json.loads(_run(library, "reindex", "--pack", other, "--dry-run", "--json"))
    assert told["version"] == 1 and told["dry_run"] and told["inferred"] == 12
    assert "tiny 1 -> tiny 2: 12 photos: 12 from thumbnails" in _run(
        library, "reindex", "--pack", other, "--from-thumbnails"
    )
    status = json.loads(_run(library, "status", "--json"))
    assert (status["pack"], status["previous_pack"]) == ("tiny 2", "tiny 1")
    told = json.loads(_run(library, "reindex", "--rollback", "--json"))
    assert told["switched"] and told["pack"] == "tiny 1" and told["failures"] == []
    fault = json.loads(_run(library, "reindex", "--pack", "nowhere", "--json", code=6))
    assert fault["error"]["code"] == "pack-missing"


def test_status_tells_people_of_a_newer_pack(
    library: ls.Library, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (tmp_path / "localsearch" / "packs").mkdir(parents=True)
    shutil.copytree(other, tmp_path / "localsearch" / "packs" / "tiny")
    assert "tiny 1 (tiny 2 available: localsearch reindex)" in _run(library, "status")
    assert json.loads(_run(library, "status", "--json"))["newer_pack"] == "tiny 2"
    library.reindex(stop=lambda: True)
    assert "tiny 1 (tiny 2 is being built: localsearch reindex)" in _run(library, "status")
    OPENED.add(library.store)
