"""A deferred data class is a data class whatever is asked first; a named tuple is as typing's."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
import threading
import typing
from typing import TYPE_CHECKING, Any

import pytest

from localsearch.deferred import NamedTuple, dataclass

if TYPE_CHECKING:
    from localsearch.records import Hit


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


class Pair(NamedTuple):
    """A word and a number."""

    word: str
    number: int | None = None
    hits: tuple[Hit, ...] = ()  # a name that is not there at run time

    MOST = 7

    def twice(self) -> str:
        """The word, twice."""
        return self.word * 2

    @property
    def first(self) -> str:
        return self.word[0]

    @classmethod
    def of(cls, text: str) -> Pair:
        return cls(*text.split())

    def __str__(self) -> str:
        return f"{self.word}={self.number}"


class TypingPair(typing.NamedTuple):
    """A word and a number."""

    word: str
    number: int | None = None
    hits: tuple[Any, ...] = ()


def test_a_named_tuple_is_one_of_typing() -> None:
    one, other = Pair("a", 2), TypingPair("a", 2)
    assert one == other == ("a", 2, ())
    assert hash(one) == hash(other)
    assert repr(one) == repr(other).replace("TypingPair", "Pair")
    assert isinstance(one, tuple)
    assert Pair.__mro__ == (Pair, tuple, object)
    assert not hasattr(one, "__dict__")
    for name in ("_fields", "_field_defaults", "__doc__", "__module__", "__match_args__"):
        assert getattr(Pair, name) == getattr(TypingPair, name), name
    assert Pair.__annotations__["number"] == "int | None"
    assert list(Pair.__annotations__) == list(TypingPair.__annotations__)
    assert one._replace(number=3) == Pair("a", 3) == Pair._make(["a", 3, ()])
    assert one._asdict() == {"word": "a", "number": 2, "hits": ()}
    match one:
        case Pair(word=word, number=2):
            assert word == "a"
    for wrong in ((), ("a", 1, (), 2)):
        with pytest.raises(TypeError):
            Pair(*wrong)
    with pytest.raises(AttributeError):
        one.word = "b"  # type: ignore[misc]


def test_what_stands_in_its_body_is_there() -> None:
    assert (Pair("ab").twice(), Pair("ab").first, Pair.MOST) == ("abab", "a", 7)
    assert Pair.of("x 1") == ("x", "1", ())
    assert str(Pair("a", 1)) == "a=1"
    assert Pair.__qualname__ == "Pair"
    assert Pair.twice.__doc__ == "The word, twice."


def test_named_tuples_are_copied_and_pickled() -> None:
    one = Pair("a", 2)
    assert type(copy.copy(one)) is type(pickle.loads(pickle.dumps(one))) is Pair
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one

    class Child(Pair):
        pass

    assert repr(Child("a")) == "Child(word='a', number=None, hits=())"


@pytest.mark.parametrize("base", [NamedTuple, typing.NamedTuple])
def test_it_refuses_what_typing_refuses(base: Any) -> None:
    with pytest.raises(TypeError):

        class Backwards(base):
            a: int = 1
            b: int

    with pytest.raises(AttributeError):

        class Own(base):
            a: int

            def __new__(cls) -> Any: ...

    with pytest.raises(TypeError):

        class Two(base, dict):  # type: ignore[type-arg]
            a: int

    with pytest.raises(ValueError, match="underscore"):

        class Hidden(base):
            _a: int
