"""The pure parts of sync: what a folder's comparison gives, and when a sync must stop."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from localsearch.catalog.known import Known
from localsearch.sources.walk import Sighting
from localsearch.sync.plan import plan_folder, settled_mtime
from localsearch.sync.safety import Place, empty_places, first_level, implausible


def known(name: bytes, **changes: Any) -> Known:
    made = Known(
        key=int.from_bytes(name, "big"),
        row=1,
        id="x",
        root=1,
        folder=b"",
        name=name,
        size=10,
        mtime_ns=5,
        digest=b"d" * 32,
        state="ok",
        content_state="ok",
        removed=False,
    )
    return made._replace(**changes)


def test_each_kind_of_change() -> None:
    had = {
        n: known(n, **c)
        for n, c in {
            b"same": {},
            b"newer": {"mtime_ns": 4},
            b"grown": {"size": 9},
            b"back": {"state": "missing"},
            b"plugged": {"state": "offline"},
            b"gone": {},
            b"long gone": {"state": "missing"},
            b"broken": {"state": "undecodable", "content_state": "undecodable"},
            b"mended?": {"state": "no-decoder", "content_state": "no-decoder"},
            b"removed": {"removed": True, "size": 1},
        }.items()
    }
    seen = [Sighting(n, 10, 5) for n in had if n not in (b"gone", b"long gone")]
    seen.append(Sighting(b"new", 1, 1))
    seen.append(Sighting(b"cloud", 1, 1, True))
    plan = plan_folder(had, seen)
    assert {s.name for s, _ in plan.read} == {b"newer", b"grown", b"mended?", b"new"}
    assert {k.name for k in plan.back} == {b"back", b"plugged"}
    assert {k.name for k in plan.gone} == {b"gone"}
    assert [s.name for s, _ in plan.away] == [b"cloud"]
    assert plan.unchanged == 3  # same, broken, removed


names = st.sampled_from([bytes([c]) for c in b"abcdefgh"])
states = st.sampled_from(["ok", "missing", "offline", "undecodable", "unreadable"])


@given(
    st.dictionaries(names, st.tuples(states, st.booleans(), st.integers(1, 2))),
    st.dictionaries(names, st.tuples(st.integers(1, 2), st.booleans())),
)
def test_every_photo_ends_in_one_list(
    had: dict[bytes, tuple[str, bool, int]], shown: dict[bytes, tuple[int, bool]]
) -> None:
    knowns = {
        n: known(n, state=state, content_state=state, removed=removed, size=size)
        for n, (state, removed, size) in had.items()
    }
    seen = [Sighting(n, size, 5, away) for n, (size, away) in shown.items()]
    plan = plan_folder(knowns, seen)
    assert plan.unchanged + len(plan.read) + len(plan.back) + len(plan.away) == len(seen)
    assert {k.name for k in plan.gone} == {
        n for n, k in knowns.items() if n not in shown and k.state != "missing"
    }


def test_a_fresh_file_is_looked_at_again() -> None:
    assert settled_mtime(10**10, 10**10 + 1) == -1
    assert settled_mtime(10**10, 2 * 10**10) == 10**10


def test_an_empty_place_is_offline_not_gone() -> None:
    assert empty_places({b"": 3, b"a": 2}, {}) == {b"*"}
    assert empty_places({b"": 3, b"a": 2, b"b": 1}, {b"": 1, b"b": 1}) == {b"a"}
    assert empty_places({b"a": 2}, {b"a": 1}) == frozenset()
    assert empty_places({}, {}) == frozenset()


def test_more_than_a_fifth_and_more_than_two() -> None:
    def stop(held: int, gone: int) -> bool:
        return bool(implausible([Place("r", b"", held, gone)]))

    assert not stop(3, 1)  # a third, but a single photo
    assert not stop(6, 2)
    assert not stop(100, 20)  # just a fifth
    assert stop(100, 21)
    assert stop(10, 3)


def test_first_level() -> None:
    assert [first_level(f) for f in (b"", b"a", b"a/b/c")] == [b"", b"a", b"a"]
