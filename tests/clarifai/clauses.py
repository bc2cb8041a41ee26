"""Clauses as clients send them, and a library of six colours to ask with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.clarifai.world import COLOURS, Wire, by_bytes, by_url, picture, wire


@contextmanager
def colours(folder: Path) -> Iterator[Wire]:
    """Six colours with words, places and documents; ids by colour, in this order."""
    with wire(folder) as made:
        made.add(
            by_bytes(
                "red",
                "red",
                concepts=[{"id": "cat", "name": "Cat"}, {"id": "dog", "value": 0}],
                metadata={"album": "spring", "n": 1, "list": [1, 2, 3], "deep": {"a": {"b": "c"}}},
                geo={"geo_point": {"longitude": 0.0, "latitude": 0.0}},
            ),
            by_bytes(
                "green",
                "green",
                concepts=[{"id": "dog"}],
                metadata={"album": "spring", "n": 1.5, "list": [4, 5], "flag": True},
                geo={"geo_point": {"longitude": 1.0, "latitude": 0.0}},
            ),
            by_bytes(
                "blue",
                "blue",
                concepts=[{"id": "cat"}, {"id": "dog"}],
                metadata={"album": "autumn", "n": "1"},
                geo={"geo_point": {"longitude": 0.0, "latitude": 2.0}},
            ),
            by_url(
                made.url("yellow.png", picture(COLOURS["yellow"])),
                "yellow",
                metadata={"objects": [{"k": 1}, {"k": 2, "l": 3}]},
            ),
            by_bytes("white", "white"),
            by_bytes("black", "black"),
        )
        yield made


ALL = ["red", "green", "blue", "yellow", "white", "black"]


def shows(*concepts: Any, **clause: Any) -> dict[str, Any]:
    told = [{"name": each} if isinstance(each, str) else each for each in concepts]
    return {"output": {"data": {"concepts": told}}, **clause}


def tagged(*concepts: Any, **clause: Any) -> dict[str, Any]:
    told = [{"id": each} if isinstance(each, str) else each for each in concepts]
    return {"input": {"data": {"concepts": told}}, **clause}


def like(image: dict[str, Any] | None = None, id: str | None = None) -> dict[str, Any]:
    inner: dict[str, Any] = {"data": {"image": image or {}}}
    return {"output": {"input": {**({"id": id} if id else {}), **inner}}}


def described(**document: Any) -> dict[str, Any]:
    return {"input": {"data": {"metadata": document}}}


def within(lon: float, lat: float, kind: str, value: float) -> dict[str, Any]:
    point = {"longitude": lon, "latitude": lat}
    return {
        "input": {
            "data": {"geo": {"geo_point": point, "geo_limit": {"type": kind, "value": value}}}
        }
    }


def box(*corners: tuple[float, float]) -> dict[str, Any]:
    points = [{"geo_point": {"longitude": lon, "latitude": lat}} for lon, lat in corners]
    return {"input": {"data": {"geo": {"geo_box": points}}}}
