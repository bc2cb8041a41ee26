"""A deferred data class is a data class, whatever is asked of it first."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
import threading

import pytest

from localsearch.deferred import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """Two numbers."""

    x: int
    y: str = "a"
    z: list[int] = dataclasses.field(default_factory=list, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "y", self.y.upper())


@dataclass(frozen=True)
class Further(Point):
    w: int = 3


def fresh() -> type[Point]:
    """A class of which there is no instance yet."""

    @dataclass(frozen=True)
    class Fresh(Point):
        v: int = 0

    return Fresh


def test_it_is_what_the_standard_library_makes() -> None:
    assert repr(Further(1, w=2)) == "Further(x=1, y='A', z=[], w=2)"
    assert Point(1) == Point(1, z=[5])
    assert hash(Point(1)) == hash(Point(1))
    assert Point(1) != Further(1)
    assert dataclasses.asdict(Point(2)) == {"x": 2, "y": "A", "z": []}
    assert dataclasses.replace(Further(1), x=5) == Further(5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Point(1).x = 3  # type: ignore[misc]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]
    match Point(7):
        case Point(x=number):
            assert number == 7


def test_the_class_may_be_asked_before_there_is_an_instance() -> None:
    assert [one.name for one in dataclasses.fields(fresh())] == ["x", "y", "z", "v"]
    assert dataclasses.is_dataclass(fresh())
    assert fresh()(4).x == 4


def test_copies_and_pickles() -> None:
    assert copy.copy(Further(3)) == pickle.loads(pickle.dumps(Further(3))) == Further(3)
    code = "import pickle, sys; print(repr(pickle.loads(sys.stdin.buffer.read())))"
    told = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(Point(3)), capture_output=True, check=True
    )
    assert told.stdout.strip() == b"Point(x=3, y='A', z=[])"


def made_at_once(kind: type[Point], threads: int) -> list[Point]:
    """One instance from each of some threads that start together."""
    made, start = list[Point](), threading.Barrier(threads)

    def make() -> None:
        start.wait()
        made.append(kind(1, "b"))

    working = [threading.Thread(target=make) for _ in range(threads)]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join()
    return made


def test_many_threads_make_one_class() -> None:
    for _ in range(50):
        kind = fresh()
        assert made_at_once(kind, 6) == [kind(1, "b")] * 6
