"""Random lives of a library against a twin made of dictionaries.

The twin knows which file holds which picture, which ids were seen where, and what was tagged. It
shares nothing with the library but the folder.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import localsearch as ls
from localsearch.publish import plan
from tests.make_library import open_library, write_photo

FOLDERS = ("", "a/", "b/", "b/deep/")


class Life(RuleBasedStateMachine):
    """Adds, changes, moves, copies, deletes, removes, unplugs, reopens; syncs and compares."""

    @initialize()
    def start(self) -> None:
        self.top = Path(tempfile.mkdtemp(prefix="twin-"))
        self.root = self.top / "photos"
        self.root.mkdir()
        self.seed = 0
        self.files: dict[str, bytes] = {}  # relative path -> digest, as the folder is
        self.synced: dict[str, bytes] = {}  # ... as it was at the last sync
        self.ids: dict[str, str] = {}  # path -> id at the last sync
        self.tagged: dict[str, set[str]] = {}
        self.removed: set[str] = set()
        self.unseen: set[str] = set()  # removed at some sync: their content may be stale
        self.known: set[str] = set()
        self.plugged = True
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(plan, "FULL", 6)
        self.patch.setattr(plan, "WORTH", 3)
        self.library = open_library(self.root, store=self.top / "store")

    def teardown(self) -> None:
        if hasattr(self, "library"):
            self.library.close()
            self.patch.undo()
            while self.top.exists():  # a thread that was told to stop may close its files now
                with contextlib.suppress(FileNotFoundError):
                    shutil.rmtree(self.top)

    def _write(self, path: str) -> None:
        self.seed += 1
        file = write_photo(self.root / path, self.seed, age=self.seed, size=(40, 40))
        self.files[path] = blake3(file.read_bytes()).digest()

    def _pick(self, number: int) -> str:
        return sorted(self.files)[number % len(self.files)]

    @rule(folder=st.sampled_from(FOLDERS), number=st.integers(1, 4))
    @precondition(lambda self: self.plugged)
    def add(self, folder: str, number: int) -> None:
        for _ in range(number):
            self._write(f"{folder}{self.seed}.png")

    @rule(number=st.integers(0, 50))
    @precondition(lambda self: self.plugged and self.files)
    def change(self, number: int) -> None:
        self._write(self._pick(number))

    @rule(number=st.integers(0, 50), folder=st.sampled_from(FOLDERS))
    @precondition(lambda self: self.plugged and self.files)
    def move(self, number: int, folder: str) -> None:
        old = self._pick(number)
        new = f"{folder}moved-{self.seed}-{old.replace('/', '-')}"
        (self.root / new).parent.mkdir(parents=True, exist_ok=True)
        (self.root / old).rename(self.root / new)
        self.files[new] = self.files.pop(old)

    @rule(number=st.integers(0, 50))
    @precondition(lambda self: self.plugged and self.files)
    def copy(self, number: int) -> None:
        old = self._pick(number)
        self.seed += 1
        new = f"copy-{self.seed}.png"
        shutil.copy2(self.root / old, self.root / new)
        self.files[new] = self.files[old]

    @rule(number=st.integers(0, 50))
    @precondition(lambda self: self.plugged and self.files)
    def delete(self, number: int) -> None:
        path = self._pick(number)
        (self.root / path).unlink()
        del self.files[path]

    @rule(number=st.integers(0, 50), name=st.sampled_from(["pet", "home"]))
    @precondition(lambda self: self.ids)
    def tag(self, number: int, name: str) -> None:
        id = sorted(self.ids.values())[number % len(self.ids)]
        self.library.tag(id, name)
        self.tagged.setdefault(id, set()).add(name)

    @rule(number=st.integers(0, 50))
    @precondition(lambda self: self.ids)
    def remove(self, number: int) -> None:
        id = sorted(self.ids.values())[number % len(self.ids)]
        self.library.remove(id)
        self.removed.add(id)

    @rule()
    @precondition(lambda self: self.removed)
    def restore(self) -> None:
        self.library.restore(sorted(self.removed))
        self.removed.clear()

    @rule()
    def unplug_or_plug(self) -> None:
        away = self.top / "away"
        if self.plugged:
            self.root.rename(away)
        else:
            away.rename(self.root)
        self.plugged = not self.plugged

    @rule()
    def reopen(self) -> None:
        self.library.close()
        self.library = ls.open(store=self.top / "store")

    @rule()
    def sync(self) -> None:
        report = self.library.sync(allow_removals=True)
        if not self.plugged:
            assert report.missing == report.added == report.changed == 0
            return
        rows = {one.relative_path: one for one in self.library.inputs() if one.state != "missing"}
        rows |= {
            one.relative_path: one
            for one in self.library.inputs(removed=True)
            if one.state != "missing" and one.relative_path in self.files
        }
        assert set(rows) == set(self.files)
        for path, digest in self.files.items():
            if rows[path].id not in self.removed:
                assert rows[path].digest == digest.hex(), path
            if path in self.ids and self.synced.get(path) is not None:
                assert rows[path].id == self.ids[path] or digest != self.synced[path]
        self._check_moves(rows)
        self.unseen |= self.removed
        self.ids = {path: one.id for path, one in rows.items() if path is not None}
        self.known |= set(self.ids.values())
        self.synced = dict(self.files)

    def _check_moves(self, rows: dict[str | None, ls.Input]) -> None:
        """A content that stood once before and stands once now kept its id."""
        before, now = list(self.synced.values()), list(self.files.values())
        for path, digest in self.synced.items():
            if before.count(digest) == now.count(digest) == 1 and path not in self.files:
                new = next(p for p, d in self.files.items() if d == digest)
                # A removed photo is not looked at: edited and moved at once, it is a new one.
                if new not in self.synced and self.ids[path] not in self.unseen:
                    assert rows[new].id == self.ids[path], (path, new)

    @invariant()
    def nothing_that_the_user_made_is_lost(self) -> None:
        if hasattr(self, "library"):
            for id, names in self.tagged.items():
                assert set(self.library.get(id).tags) == names
            for id in self.known:
                self.library.get(id)

    @invariant()
    def searches_show_what_is_live(self) -> None:
        if hasattr(self, "library") and self.ids:
            live = {one.id for one in self.library.inputs() if one.state in ("ok", "offline")}
            some = sorted(live)[:1]
            for id in some:
                hits = list(self.library.scan(ls.like(id=id)))
                assert {hit.id for hit in hits} == live
                assert hits[0].score == 1.0

    @invariant()
    def verify_finds_nothing(self) -> None:
        if hasattr(self, "library"):
            assert [f for f in self.library.verify() if f.code != "leftover"] == []


_quick = settings(
    max_examples=8,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestLife = Life.TestCase
TestLife.settings = _quick


@pytest.mark.long
def test_many_long_lives() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        Life, settings=settings(_quick, max_examples=60, stateful_step_count=30)
    )
