"""Anything that a client may send is answered: in JSON, with a cause, and never with a 5xx."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localsearch.clarifai.routes import ROUTES
from tests.clarifai.world import GENERAL, Wire, b64, by_bytes, by_url, seeded, wire
from tests.shared import SHARED, needs_shared, shared


@pytest.fixture(scope="module")
def w(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with wire(tmp_path_factory.mktemp("fuzz")) as made:
        made.add(
            by_bytes("a", concepts=[{"id": "cat"}], metadata={"k": [1]}), by_bytes("b", "blue")
        )
        yield made


FIELDS = (
    *("inputs", "data", "image", "url", "base64", "crop", "id", "concepts", "name", "value"),
    *("metadata", "geo", "geo_point", "geo_limit", "geo_box", "longitude", "latitude", "type"),
    *("query", "ands", "ors", "negate", "input", "output", "pagination", "page", "per_page"),
    *("action", "ids", "delete_all", "concept_query", "model_query", "model", "output_info"),
    *("output_config", "select_concepts", "min_value", "max_concepts", "outputs", "models"),
)
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.sampled_from(["a", "cat", "merge", "overwrite", "remove", "withinMiles", "red", "*"]),
    st.sampled_from([b64(seeded(1))[:60], "http://pictures.test/p/x.png", "file:///etc/passwd"]),
    st.text(max_size=8),
)
JSON = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=3), inner, max_size=5),
    ),
    max_leaves=25,
)
CALLS = st.sampled_from([(route.method, route.pattern) for route in ROUTES])
PARTS = st.sampled_from(["a", "b", "none", GENERAL, "status", "%00", "%FF", "x%2Fy", "é", " "])


@given(CALLS, st.lists(PARTS, min_size=2, max_size=2), JSON, st.text(max_size=12))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_json_is_answered(
    w: Wire, call: tuple[str, tuple[str, ...]], parts: list[str], body: Any, query: str
) -> None:
    method, pattern = call
    left = iter(parts)
    path = "/v2/" + "/".join(next(left) if each == "*" else each for each in pattern)
    answer = w.answer(method, path, body, query)
    assert answer.http < 500, (method, path, body, answer)


@given(
    st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT", "x"]),
    st.text(),
    st.binary(max_size=40),
)
@settings(max_examples=150, deadline=None)
def test_any_path_and_bytes_are_answered(w: Wire, method: str, path: str, body: bytes) -> None:
    assert w.answer(method, path, body).http < 500


HALVES = '"\\ud83d"'


@pytest.mark.parametrize(
    "body",
    (
        '{"inputs": [{"id": HALF, "data": {"image": {"base64": "B64"}}}]}',
        '{"inputs": [{"data": {"image": {"base64": "B64"}, "metadata": {HALF: [HALF]}}}]}',
        '{"inputs": [{"data": {"image": {"base64": "B64"}, "concepts": [{"id": HALF}]}}]}',
        '{"inputs": [{"data": {"image": {"url": HALF}}}]}',
        '{"inputs": [{"data": {"image": {"base64": "B64"}, "metadata": NEST}}]}',
    ),
)
def test_halves_of_characters_and_deep_documents(w: Wire, body: str) -> None:
    nest = '{"a":' * 150 + "1" + "}" * 150
    text = body.replace("HALF", HALVES).replace("B64", b64(seeded(2))).replace("NEST", nest)
    answer = w.answer("POST", "/v2/inputs", text.encode())
    assert answer.http < 500
    for one in answer.body["inputs"]:
        if one["status"]["code"] == 30000:
            w.ok("DELETE", "/v2/inputs", {"ids": [one["id"]]})


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Wire]:
    """A library that no random request has changed."""
    with wire(tmp_path) as made:
        made.add(by_bytes("a", concepts=[{"id": "cat"}]))
        yield made


def test_many_threads_at_once(own: Wire) -> None:
    """Adding, changing, deleting, searching and listing beside each other: no answer is odd."""
    w, faults = own, list[Exception]()

    def work(n: int) -> None:
        try:
            for turn in range(3):
                id = f"t{n}-{turn}"
                data = {"image": {"base64": b64(seeded(100 * n + turn))}}
                w.add({"id": id, "data": {**data, "concepts": [{"id": "cat"}]}})
                w.ok(
                    "PATCH", "/v2/inputs", {"inputs": [{"id": id, "data": {"metadata": {"n": n}}}]}
                )
                assert id in w.ids({"input": {"data": {"metadata": {"n": n}}}})
                w.search({"output": {"input": {"id": id}}})
                w.ok("GET", "/v2/inputs")
                w.ok("DELETE", f"/v2/inputs/{id}")
        except Exception as fault:  # noqa: BLE001  # told on the thread of the test
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not faults
    assert w.ids({"input": {"data": {"concepts": [{"id": "cat"}]}}}) == ["a"]


RECORDINGS = [] if SHARED is None else sorted((SHARED / "clarifai-recordings").glob("*.jsonl"))


@needs_shared
@pytest.mark.parametrize("name", [path.stem for path in RECORDINGS])
def test_what_the_real_clients_sent(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("replay")
    mirror = folder / "mirror"
    mirror.mkdir()
    with wire(folder, url_map=(("http://a", mirror),)) as made:
        for file in ("1.jpg", "2.jpg", "3.jpg", "b.jpg"):
            (mirror / file).write_bytes(seeded(len(file)))
        made.add(*(by_bytes(id) for id in ("some_existing_input_id", "x1", "x2", "x 1/2")))
        made.add(by_url("http://a/b.jpg", "url"))
        expected = {404, 400}
        lines = shared("clarifai-recordings", f"{name}.jsonl").read_text(encoding="utf-8")
        for line in lines.splitlines():
            call = json.loads(line)
            path, _, query = call["path"].partition("?")
            answer = made.answer(call["method"], path, call["body"].encode(), query)
            assert answer.http in (200, 207) or answer.http in expected, (call, answer)
            if "/searches" in path:
                assert answer.http == 200, (call, answer)
