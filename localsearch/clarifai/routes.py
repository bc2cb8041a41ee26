"""Which operation stands at which path. One line each; a new operation is one row here.

Never runs one. Invariant: of two rows that fit a path, the first one is meant, so fixed words
stand before variables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localsearch.clarifai import (
    adding,
    beside,
    concepts,
    custom,
    inputs,
    models,
    outputs,
    patching,
    searches,
)
from localsearch.clarifai.answer import Answer
from localsearch.clarifai.room import Request
from localsearch.deferred import NamedTuple

Run = Callable[[Request], Answer]


class Route(NamedTuple):
    """One operation: `pattern` with `*` for each variable; `lists` are the names of the lists
    that its failures carry empty; the body of some is no JSON."""

    method: str
    pattern: tuple[str, ...]
    run: Run
    lists: tuple[str, ...] = ()
    ignores_body: bool = False

    @property
    def name(self) -> str:
        """As it is written in the log."""
        return f"{self.method} /v2/{'/'.join(self.pattern)}"

    @property
    def asks(self) -> bool:
        """Whether it changes nothing."""
        return self.method == "GET" or self.pattern[-1] == "searches"

    def empty(self) -> dict[str, Any]:
        """The lists that are there also when something fails."""
        return {name: [] for name in self.lists}


def _route(method: str, path: str, run: Run, *lists: str, ignores_body: bool = False) -> Route:
    return Route(method, tuple(path.split("/")), run, lists, ignores_body)


ROUTES: tuple[Route, ...] = (
    _route("POST", "inputs", adding.add, "inputs"),
    _route("GET", "inputs", inputs.listed, "inputs"),
    _route("PATCH", "inputs", patching.patch, "inputs"),
    _route("DELETE", "inputs", inputs.delete_many),
    _route("GET", "inputs/status", inputs.counts),
    _route("POST", "inputs/searches", searches.search, "hits"),
    _route("GET", "inputs/*", inputs.get),
    _route("PATCH", "inputs/*", patching.patch_one),
    _route("DELETE", "inputs/*", inputs.delete),
    _route("GET", "inputs/*/outputs", outputs.of_input, "outputs"),
    _route("PATCH", "inputs/*/outputs", outputs.patch_of_input, "outputs"),
    _route("POST", "searches", searches.search, "hits"),
    _route("POST", "searches/feedback", beside.feedback),
    _route("GET", "concepts", concepts.listed, "concepts"),
    _route("POST", "concepts", concepts.create, "concepts"),
    _route("PATCH", "concepts", concepts.patch, "concepts"),
    _route("POST", "concepts/searches", concepts.search, "concepts"),
    _route("GET", "concepts/*", concepts.get),
    _route("GET", "models", models.listed, "models"),
    _route("POST", "models/searches", models.search, "models"),
    _route("GET", "models/*", models.get),
    _route("GET", "models/*/output_info", models.output_info),
    _route("GET", "models/*/versions", models.versions, "model_versions"),
    _route("GET", "models/*/versions/*", models.version),
    _route("GET", "models/*/versions/*/output_info", models.output_info),
    _route("GET", "models/*/inputs", models.inputs, "inputs"),
    _route("GET", "models/*/versions/*/inputs", models.inputs, "inputs"),
    _route("POST", "models/*/outputs", outputs.predict, "outputs"),
    _route("POST", "models/*/versions/*/outputs", outputs.predict, "outputs"),
    _route("POST", "models/*/feedback", beside.feedback),
    _route("POST", "models/*/versions/*/feedback", beside.feedback),
    _route("POST", "models", custom.create),
    _route("PATCH", "models", custom.patch, "models"),
    _route("DELETE", "models", custom.delete_many),
    _route("DELETE", "models/*", custom.delete),
    _route("POST", "models/*/versions", custom.train),
    _route("DELETE", "models/*/versions/*", custom.refused),
    _route("GET", "models/*/versions/*/metrics", custom.refused),
    _route("POST", "models/*/versions/*/metrics", custom.refused),
    _route("GET", "workflows", beside.no_workflows, "workflows"),
    _route("GET", "public_workflows", beside.no_workflows, "workflows"),
    _route("GET", "workflows/*", beside.no_workflow),
    _route("POST", "workflows/*/results", beside.no_workflow, "results", ignores_body=True),
    _route("POST", "token", beside.token, ignores_body=True),
)

_SPELLED = {"version": "versions"}
"""One client forgets a letter."""


def route_of(method: str, segments: tuple[str, ...]) -> tuple[Route | None, tuple[str, ...]]:
    """The operation, and what the variables of its path stand for; None: there is none."""
    for route in ROUTES:
        parts = _fits(route, segments) if route.method == method else None
        if parts is not None:
            return route, parts
    return None, ()


def methods_at(segments: tuple[str, ...]) -> list[str]:
    """The methods that a path takes."""
    return sorted({route.method for route in ROUTES if _fits(route, segments) is not None})


def _fits(route: Route, segments: tuple[str, ...]) -> tuple[str, ...] | None:
    if len(segments) != len(route.pattern):
        return None
    pairs = list(zip(route.pattern, segments, strict=True))
    if any(word not in ("*", each, _SPELLED.get(each)) for word, each in pairs):
        return None
    return tuple(each for word, each in pairs if word == "*")
