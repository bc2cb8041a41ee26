"""The strictest of the old clients in one: whatever one of them trips over is an error here.

PHP refuses unknown fields; JavaScript and Python break on nulls; Objective-C and the clients with
protocol buffers know one form of date; Java compares the whole status; Python needs names and
values of concepts; C# needs finite scores and four counts.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

FREE = None
"""Anything may stand there: the user's own document."""

GEO = {"geo_point": {"longitude": 0, "latitude": 0}}
STATUS = {"code": 0, "description": "", "details": ""}
CONCEPT = {"id": "", "name": "", "value": 0, "created_at": "", "language": "", "app_id": ""}
IMAGE = {"url": "", "base64": ""}
DATA = {
    "image": IMAGE,
    "concepts": [CONCEPT],
    "metadata": FREE,
    "regions": FREE,
    "geo": GEO,
    "embeddings": [{"vector": FREE, "num_dimensions": 0}],
}
INPUT = {"id": "", "data": DATA, "created_at": "", "modified_at": "", "status": STATUS}
OUTPUT_INFO = {
    "data": {"concepts": [CONCEPT]},
    "type": "",
    "type_ext": "",
    "output_config": {"concepts_mutually_exclusive": True, "closed_environment": True},
}
VERSION = {"id": "", "created_at": "", "status": STATUS, "active_concept_count": 0}
MODEL = {
    "id": "",
    "name": "",
    "created_at": "",
    "app_id": "",
    "output_info": OUTPUT_INFO,
    "model_version": VERSION,
}
OUTPUT = {
    "id": "",
    "status": STATUS,
    "created_at": "",
    "model": MODEL,
    "input": INPUT,
    "data": DATA,
}
TOP = {
    "status": STATUS,
    "id": "",
    "hits": [{"score": 0, "input": INPUT}],
    "input": INPUT,
    "inputs": [INPUT],
    "counts": {"processed": 0, "to_process": 0, "errors": 0, "processing": 0},
    "concept": CONCEPT,
    "concepts": [CONCEPT],
    "model": MODEL,
    "models": [MODEL],
    "model_version": VERSION,
    "model_versions": [VERSION],
    "outputs": [OUTPUT],
    "workflows": FREE,
    "results": FREE,
    "access_token": "",
    "expires_in": 0,
    "scope": "",
    "token_type": "",
}

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def check(http: int, body: dict[str, Any]) -> None:
    """Read an answer as all of them do."""
    again = json.loads(json.dumps(body, allow_nan=False).encode())
    assert again == body
    _known(body, TOP, "")
    status = body["status"]
    assert isinstance(status["code"], int) and status["description"]
    if http == 200:
        assert status == {"code": 10000, "description": "Ok"}
    elif http == 207:
        assert status == {"code": 10010, "description": "Mixed Success"}
    else:
        assert http >= 400 and status["code"] not in (10000, 10010)
        assert status["code"] == 10020 or status["details"]
    for each in body.get("inputs", ()):
        _input(each, failed=http != 200)
    for hit in body.get("hits", ()):
        assert math.isfinite(hit["score"]) and 0 <= hit["score"] <= 1
        _input(hit["input"], failed=False)
    if "input" in body:
        _input(body["input"], failed=True)
    for model in body.get("models", ()):
        assert "data" not in model["output_info"]
    for model in [*body.get("models", ()), *([body["model"]] if "model" in body else [])]:
        _model(model)
    for output in body.get("outputs", ()):
        _output(output)
    for concept in [*body.get("concepts", ()), *([body["concept"]] if "concept" in body else [])]:
        assert all(concept[name] for name in ("id", "name", "app_id", "created_at", "language"))


def _known(value: Any, shape: Any, where: str) -> None:
    if shape is FREE:
        return
    assert value is not None, f"{where} is null"
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        for key, inner in value.items():
            assert key in shape, f"{where}.{key} is unknown"
            _known(inner, shape[key], f"{where}.{key}")
            if key.endswith("_at"):
                assert _DATE.fullmatch(inner), f"{where}.{key} is {inner!r}"
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for each in value:
            _known(each, shape[0], f"{where}[]")
    elif isinstance(shape, str):
        assert isinstance(value, str), where
    else:
        assert isinstance(value, int | float), where


def _input(one: dict[str, Any], *, failed: bool) -> None:
    assert one["id"] and "image" in one["data"]
    good = one["status"]["code"] == 30000
    assert good or failed or one["status"]["code"] in (30001, 30002, 30101, 30105, 30300)
    if good:
        assert one["data"]["image"]["url"] and one["status"]["description"] == "Download complete"
        assert one["created_at"] and one["modified_at"] and "details" not in one["status"]
    assert "base64" not in one["data"]["image"]
    for concept in one["data"].get("concepts", ()):
        assert concept["id"] and concept["name"] and concept["value"] in (0, 1)
        assert type(concept["value"]) is int
    _no_nulls(one["data"].get("metadata"))
    if "metadata" in one["data"]:
        assert isinstance(one["data"]["metadata"], dict) and one["data"]["metadata"]


def _no_nulls(document: Any) -> None:
    if isinstance(document, dict):
        for value in document.values():
            assert value is not None
            _no_nulls(value)


def _model(model: dict[str, Any]) -> None:
    for name in ("id", "name", "created_at", "app_id"):
        assert model[name]
    assert model["output_info"]["type"] and model["output_info"]["type_ext"]
    assert model["model_version"]["id"] and model["model_version"]["status"]["code"]


def _output(output: dict[str, Any]) -> None:
    _model(output["model"])
    assert output["id"] and output["created_at"] and output["input"]["id"]
    if output["status"]["code"] != 10000:
        assert "data" not in output
        return
    image = output["input"]["data"]["image"]
    assert image.get("url") or image.get("base64")
    values = [each["value"] for each in output["data"].get("concepts", ())]
    assert values == sorted(values, reverse=True)
    assert all(each["id"] and each["name"] for each in output["data"].get("concepts", ()))
