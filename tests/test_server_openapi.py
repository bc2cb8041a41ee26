"""The description of the wire, and a fuzzer that is led by it, against a real server."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import localsearch as ls
from localsearch.clarifai.routes import ROUTES
from localsearch.server import Keys, Settings
from tests.serving import Served, ask, filled, served

schemathesis = pytest.importorskip("schemathesis")

EXAMPLES, LONG_EXAMPLES = 2, 150


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ls.Library]:
    with filled(tmp_path_factory.mktemp("openapi") / "photos") as library:
        yield library


@pytest.fixture(scope="module")
def at(library: ls.Library) -> Iterator[Served]:
    with served(library) as found:
        yield found


def document(at: Served) -> dict[str, Any]:
    return ask(at.port, "GET", "/openapi.json").json


def test_the_description_names_this_server_and_every_route(at: Served) -> None:
    told = document(at)
    assert told["servers"] == [{"url": at.url}]
    assert told["info"]["version"] == ls.__version__
    described = {
        (method.upper(), tuple("*" if "{" in part else part for part in path.split("/")[2:]))
        for path, item in told["paths"].items()
        for method in item
        if method != "parameters"
    }
    beside = {("POST", ("inputs", "searches")), ("GET", ("public_workflows",))}  # aliases
    beside |= {("POST", ("workflows", "*", "results"))}
    routes = {(one.method, one.pattern) for one in ROUTES if one.pattern[-1] != "metrics"}
    assert described == routes - beside


def test_only_with_keys_the_description_asks_for_one(library: ls.Library, at: Served) -> None:
    assert "security" not in document(at)
    with served(library, Settings(port=0, keys=Keys({"a-key": True}))) as locked:
        assert document(locked)["security"] == [{"key": []}]


def test_the_description_is_read_only(at: Served) -> None:
    found = ask(at.port, "POST", "/openapi.json", "{}")
    assert (found.status, found.code, found.headers["allow"]) == (405, 11103, "GET, HEAD, OPTIONS")


def fuzzed(at: Served, examples: int, forbidden: Collection[str]) -> None:
    """Ask everything that the description allows, and at some paths what it forbids; compare all
    answers with it."""
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
        status_code_conformance,
        unsupported_method,
    )

    checks = [
        not_a_server_error,
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
        status_code_conformance,
        unsupported_method,
    ]
    config = schemathesis.Config.from_dict(
        {"generation": {"mode": "all", "database": "none", "deterministic": True}}
    )
    schema = schemathesis.openapi.from_url(f"{at.url}/openapi.json", config=config)
    for found in schema.get_all_operations():
        operation = found.ok()
        _ask_of(operation, GenerationMode.POSITIVE, checks, examples)
        if operation.path in forbidden:
            _ask_of(operation, GenerationMode.NEGATIVE, checks, examples)


def _ask_of(operation: Any, mode: Any, checks: list[Any], examples: int) -> None:
    from hypothesis import given
    from hypothesis.errors import Unsatisfiable

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def asked(case: Any) -> None:
        case.call_and_validate(checks=checks)

    try:
        asked()
    except Unsatisfiable:
        pass  # nothing can be wrong where anything is allowed


def test_a_fuzzer_finds_nothing(at: Served, library: ls.Library) -> None:
    fuzzed(at, EXAMPLES, {"/v2/searches", "/v2/inputs"})
    assert json.dumps(document(at))
    assert library.verify() == ()


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_fuzzer_finds_nothing_in_many_tries(at: Served, library: ls.Library) -> None:
    fuzzed(at, LONG_EXAMPLES, document(at)["paths"])
    assert library.verify() == ()
