"""Models and predictions on the wire, and models of one's own, which are taught."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clarifai.world import (
    COLOURS,
    EMBEDDING,
    GENERAL,
    RED,
    Wire,
    b64,
    by_bytes,
    by_url,
    golden,
    picture,
    predict,
    seeded,
    wire,
)


@pytest.fixture
def w(tmp_path: Path) -> Iterator[Wire]:
    with wire(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with wire(tmp_path_factory.mktemp("seen")) as made:
        made.add(
            by_bytes("red", "red"), by_url(made.url("b.png", picture(COLOURS["blue"])), "blue")
        )
        yield made


# -- models ------------------------------------------------------------------------------------


def test_models(seen: Wire) -> None:
    golden("models", seen.answer("GET", "/v2/models", query="page=1&per_page=20"))
    golden("model", seen.answer("GET", f"/v2/models/{GENERAL}"))
    golden("model_unknown", seen.answer("GET", "/v2/models/general-v1.3"))
    golden("versions", seen.answer("GET", f"/v2/models/{GENERAL}/versions"))
    info = seen.ok("GET", f"/v2/models/{GENERAL}/output_info")["model"]["output_info"]
    names = {one["name"] for one in info["data"]["concepts"]}
    assert {"red", "warm colour", "people", "no person"} <= names
    version = seen.ok("GET", f"/v2/models/{GENERAL}/versions")["model_versions"][0]["id"]
    seen.ok("GET", f"/v2/models/{GENERAL}/versions/{version}/output_info/")
    assert (
        seen.ok("GET", f"/v2/models/{GENERAL}/version/{version}")["model_version"]["id"] == version
    )
    seen.fails(404, 21200, "GET", f"/v2/models/{GENERAL}/versions/none")
    assert seen.ok("GET", f"/v2/models/{GENERAL}/inputs")["inputs"] == []


@pytest.mark.parametrize(
    ("query", "ids"),
    (
        ({}, [GENERAL, EMBEDDING]),
        ({"model_query": {}}, [GENERAL, EMBEDDING]),
        ({"model_query": {"name": "general-v1.3", "type": None}}, [GENERAL, EMBEDDING]),
        ({"model_query": {"name": "General-V1.3", "type": "concept"}}, [GENERAL]),
        ({"model_query": {"name": "general*"}}, [GENERAL, EMBEDDING]),
        ({"model_query": {"name": "*", "type": "embed"}}, [EMBEDDING]),
        ({"model_query": {"name": "general-v1.3", "type": "embed"}}, [EMBEDDING]),
        ({"model_query": {"name": "general-v1.3", "type": "color"}}, []),
        ({"model_query": {"name": "nope"}}, []),
    ),
)
def test_models_are_searched(seen: Wire, query: dict[str, Any], ids: list[str]) -> None:
    found = seen.ok("POST", "/v2/models/searches", query)["models"]
    assert [one["id"] for one in found] == ids


@pytest.mark.parametrize(
    "id", ("bd367be194cf45149e75f01d59f77ba7", "eeed0b6733a644cea07cf4c60f87ebb7")
)
def test_models_that_are_not_here(seen: Wire, id: str) -> None:
    body = {"inputs": [{"data": {"image": {"base64": b64(seeded(1))}}}]}
    seen.fails(404, 21200, "POST", f"/v2/models/{id}/outputs", body)


# -- predictions -------------------------------------------------------------------------------


def test_predict(seen: Wire) -> None:
    body = {
        "inputs": [
            {"id": "mine", "data": {"image": {"url": seen.url("b.png")}}},
            {"data": {"image": RED}},
        ],
        "model": {
            "output_info": {
                "output_config": {"max_concepts": 3, "concepts_mutually_exclusive": False}
            }
        },
    }
    golden("predict", seen.answer("POST", f"/v2/models/{GENERAL}/versions/any/outputs", body))
    golden("embed", _cut(seen.ok("POST", f"/v2/models/{EMBEDDING}/outputs", body)))


def _cut(body: dict[str, Any]) -> dict[str, Any]:
    for output in body["outputs"]:
        (one,) = output["data"]["embeddings"]
        assert len(one["vector"]) == one["num_dimensions"] == 32
        assert sum(x * x for x in one["vector"]) == pytest.approx(1, abs=1e-2)
        one["vector"] = "..."
    return body


def test_predictions_say_what_the_library_says(seen: Wire) -> None:
    told = predict(seen, RED)
    assert told[0]["name"] in ("red", "warm colour", "colour", "hue") and len(told) <= 20
    data = picture(COLOURS["red"])
    mine = {one.name: one.value for one in seen.library.predict(data=data, limit=99)}
    assert len(told) == 20
    for one in told:
        if one["name"] != "no person":
            assert one["value"] == pytest.approx(mine[one["name"]], abs=1e-6)
    assert len(seen.library._parts.pack.vocabulary) >= len(told)
    assert [*seen.library.inputs()][-1].id == "blue"  # nothing was stored


@pytest.mark.parametrize(
    ("config", "check"),
    (
        ({"max_concepts": 1}, lambda told: len(told) == 1),
        ({"max_concepts": 2.0}, lambda told: len(told) == 2),
        ({"max_concepts": 500}, lambda told: len(told) == 20),
        ({"max_concepts": None, "min_value": None, "language": None}, lambda told: len(told) == 20),
        ({"max_concepts": 0}, lambda told: len(told) == 20),
        ({"min_value": 0.5}, lambda told: told and all(one["value"] >= 0.5 for one in told)),
        ({"min_value": 1}, lambda told: told == [] or told[0]["value"] == 1),
        (
            {"select_concepts": [{"name": "red"}, {"id": "t0001"}]},
            lambda told: {one["id"] for one in told} == {"t0000", "t0001"},
        ),
        (
            {"select_concepts": [{"id": "ai_l8TKp2h5"}]},
            lambda told: [one["name"] for one in told] == ["people"],
        ),
        (
            {"select_concepts": [{"name": "red"}, {"name": "nothing"}], "max_concepts": 1},
            lambda told: [one["name"] for one in told] == ["red"],
        ),
        ({"select_concepts": [{"name": "nothing"}]}, lambda told: told == []),
        ({"select_concepts": []}, lambda told: len(told) == 20),
    ),
)
def test_predictions_are_cut(seen: Wire, config: dict[str, Any], check: Any) -> None:
    assert check(predict(seen, RED, **config))


@pytest.mark.parametrize(
    "config",
    (
        {"min_value": 2},
        {"min_value": "x"},
        {"max_concepts": -1},
        {"select_concepts": [{}]},
        {"select_concepts": 3},
    ),
)
def test_predictions_that_make_no_sense(seen: Wire, config: dict[str, Any]) -> None:
    body = {
        "inputs": [{"data": {"image": RED}}],
        "model": {"output_info": {"output_config": config}},
    }
    assert seen.fails(400, 40001, "POST", f"/v2/models/{GENERAL}/outputs", body)["outputs"] == []


def test_bad_pictures_spoil_their_own_outputs(seen: Wire) -> None:
    path = f"/v2/models/{GENERAL}/outputs"
    bad: list[Any] = [
        {"data": {"image": {"url": "http://elsewhere.test/1.jpg"}}},
        {"data": {"image": {"url": None}}},
        {"id": "nobody"},
        {},
        {"data": {"video": {"url": "http://x/v.mp4"}}},
        {"data": {"image": {"base64": b64(b"no picture is this")}}},
    ]
    found = seen.fails(400, 10020, "POST", path, {"inputs": bad})
    codes = [each["status"]["code"] for each in found["outputs"]]
    assert codes == [30002, 30104, 30104, 30104, 30104, 30101]
    answer = seen.answer("POST", path, {"inputs": [bad[0], {"data": {"image": RED}}]})
    assert answer.http == 207
    golden("predict_mixed", answer)
    seen.fails(400, 40001, "POST", path, {"inputs": []})
    seen.fails(400, 40001, "POST", path, {})
    seen.fails(400, 40001, "POST", path, {"inputs": [{"data": {"image": RED}}] * 129})


def test_what_is_indexed_is_predicted_without_its_picture(seen: Wire) -> None:
    (seen.mirror / "b.png").rename(seen.mirror / "away.png")
    assert predict(seen, {"url": seen.url("b.png")})
    (seen.mirror / "away.png").rename(seen.mirror / "b.png")
    body = {"inputs": [{"id": "blue"}]}
    assert seen.ok("POST", f"/v2/models/{GENERAL}/outputs", body)["outputs"][0]["data"]["concepts"]


def test_a_crop_of_a_prediction(seen: Wire) -> None:
    from PIL import Image

    half = Image.new("RGB", (64, 64), COLOURS["red"])
    half.paste(COLOURS["blue"], (32, 0, 64, 64))
    half.save(seen.mirror / "half.png")
    config = {"select_concepts": [{"name": "red"}, {"name": "sky blue"}]}
    right = predict(seen, {"url": seen.url("half.png"), "crop": [0, 0.5, 1, 1]}, **config)
    left = predict(seen, {"url": seen.url("half.png"), "crop": [0, 0, 1, 0.5]}, **config)
    assert (right[0]["name"], left[0]["name"]) == ("sky blue", "red")


def test_outputs_of_an_input(w: Wire) -> None:
    w.add(by_bytes("a"))
    outputs = w.ok("GET", "/v2/inputs/a/outputs")["outputs"]
    assert outputs[0]["input"]["id"] == "a" and outputs[0]["data"]["concepts"]
    body = {
        "action": "merge",
        "outputs": [
            {
                "data": {"concepts": [{"id": "cat", "value": True}, {"id": "dog", "value": False}]},
                "model": {"id": GENERAL},
            }
        ],
    }
    w.ok("PATCH", "/v2/inputs/a/outputs", body)
    assert w.library.get("a").tags == {"cat": True, "dog": False}
    w.ok("PATCH", "/v2/inputs/a/outputs", {**body, "action": "remove"})
    assert w.library.get("a").tags == {}
    w.fails(404, 30102, "GET", "/v2/inputs/none/outputs")
    w.fails(404, 30102, "PATCH", "/v2/inputs/none/outputs", body)


# -- models of one's own -----------------------------------------------------------------------


def test_a_model_is_taught_by_what_was_annotated(w: Wire) -> None:
    for n in range(4):
        w.add(
            {
                "id": f"r{n}",
                "data": {
                    "image": {"base64": b64(picture((205 + n, 40, 40)))},
                    "concepts": [{"id": "warm"}, {"id": "cold", "value": 0}],
                },
            },
            {
                "id": f"b{n}",
                "data": {
                    "image": {"base64": b64(picture((40, 70, 205 + n)))},
                    "concepts": [{"id": "cold"}, {"id": "warm", "value": 0}],
                },
            },
        )
    body = {
        "model": {
            "id": "mine",
            "name": "Mine",
            "output_info": {
                "data": {"concepts": [{"id": "warm"}, {"id": "cold"}]},
                "output_config": {"concepts_mutually_exclusive": True, "closed_environment": False},
            },
        }
    }
    golden("model_create", w.answer("POST", "/v2/models", body))
    w.fails(400, 40010, "POST", "/v2/models", body)
    ask = {"inputs": [{"data": {"image": RED}}]}
    w.fails(400, 21203, "POST", "/v2/models/mine/outputs", ask)
    golden("model_train", w.answer("POST", "/v2/models/mine/versions", b"null"))
    told = w.ok("POST", "/v2/models/mine/outputs", ask)["outputs"][0]["data"]["concepts"]
    assert [one["id"] for one in told] == ["warm", "cold"] and told[0]["value"] > 0.5 > told[1][
        "value"
    ]
    assert [one["name"] for one in predict(w, RED) if ":" in one["name"]] == []
    hits = w.search({"output": {"data": {"concepts": [{"id": "cold"}]}}})
    assert w.search({"output": {"data": {"concepts": [{"name": "cold"}]}}}) == hits
    assert hits[0]["input"]["id"].startswith("b") and hits[0]["score"] > 0.5
    assert [one["id"] for one in w.ok("GET", "/v2/models")["models"]][2:] == ["mine"]
    assert len(w.ok("GET", "/v2/models/mine/inputs")["inputs"]) == 8
    info = w.ok("GET", "/v2/models/mine/output_info")["model"]["output_info"]
    assert [one["id"] for one in info["data"]["concepts"]] == ["warm", "cold"]
    assert {one["id"] for one in w.ok("GET", "/v2/concepts")["concepts"]} == {"cold", "warm"}
    patch = {
        "action": "remove",
        "models": [{"id": "mine", "output_info": {"data": {"concepts": [{"id": "cold"}]}}}],
    }
    w.ok("PATCH", "/v2/models", patch)
    told = w.ok("POST", "/v2/models/mine/outputs", ask)["outputs"][0]["data"]["concepts"]
    assert [one["id"] for one in told] == ["warm"] and len(w.library.taught()) == 1
    w.ok("DELETE", "/v2/models/mine")
    assert w.library.taught() == () and len(w.ok("GET", "/v2/models")["models"]) == 2


def test_what_models_cannot_do(w: Wire) -> None:
    w.ok(
        "POST",
        "/v2/models",
        {"model": {"id": "m", "output_info": {"data": {"concepts": [{"id": "cat"}]}}}},
    )
    golden("model_untaught", w.answer("POST", "/v2/models/m/versions", b""))
    w.ok("POST", "/v2/models", {"model": {"id": "empty"}})
    w.fails(400, 21203, "POST", "/v2/models/empty/versions")
    w.fails(400, 21203, "DELETE", f"/v2/models/{GENERAL}")
    w.fails(400, 21203, "POST", f"/v2/models/{GENERAL}/versions")
    w.fails(400, 21203, "PATCH", "/v2/models", {"models": [{"id": GENERAL, "name": "x"}]})
    w.fails(404, 21200, "DELETE", "/v2/models/none")
    w.fails(400, 21202, "DELETE", "/v2/models", {})
    w.fails(400, 21203, "GET", "/v2/models/m/versions/v/metrics")
    w.fails(400, 21203, "DELETE", "/v2/models/m/versions/v")
    w.fails(400, 21202, "POST", "/v2/models", {"model": {"id": "x" * 200}})
    w.ok("DELETE", "/v2/models", {"ids": ["m"]})
    w.ok("DELETE", "/v2/models", {"delete_all": True})
    assert len(w.ok("GET", "/v2/models")["models"]) == 2
