"""The facade in process and over HTTP: the same library gives the same answers, URLs aside."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import localsearch as ls
from localsearch.rest import ApiError, ClarifaiApp, Image, InputSearchTerm, SearchQueryBuilder
from tests.clients.served import SAMPLES, Served
from tests.rest_app import png

Asked = Callable[[ClarifaiApp], Any]

QUESTIONS: dict[str, Asked] = {
    "list": lambda app: app.api.get_inputs(),
    "one": lambda app: app.api.get_input("b"),
    "counts": lambda app: app.api.get_inputs_status(),
    "concept": lambda app: app.inputs.search_by_predicted_concepts("red", raw=True),
    "without": lambda app: app.inputs.search_by_predicted_concepts("red", value=False, raw=True),
    "like": lambda app: app.inputs.search_by_image(image_id="a", raw=True),
    "bytes": lambda app: app.inputs.search_by_image(imgbytes=png(1), raw=True),
    "tagged": lambda app: app.inputs.search_by_annotated_concepts("wall", raw=True),
    "metadata": lambda app: app.inputs.search_by_metadata({"k": 1}, raw=True),
    "concepts": lambda app: app.api.get_concepts(2, 7),
    "named": lambda app: app.api.search_concepts("p*"),
    "models": lambda app: app.api.get_models(),
    "info": lambda app: app.public_models.general_model.get_info(verbose=True),
    "predict": lambda app: app.public_models.general_model.predict_by_bytes(png(2), max_concepts=3),
    "none": lambda app: app.inputs.get("none"),
    "no url": lambda app: app.inputs.create_image_from_url("https://elsewhere.example/a.jpg"),
    "nothing": lambda app: app.api.post("searches", {"query": 5}),
}
_CHANGING = ("id", "created_at")  # of answers, which are made anew each time


@pytest.fixture(scope="module")
def apps(served: Served) -> Any:
    with ls.open(store=served.store) as library:
        here = ClarifaiApp(library=library, url_map={SAMPLES: served.mirror})
        there = ClarifaiApp(base_url=served.url)
        there.inputs.delete_all()
        there.inputs.create_image(Image(url=f"{SAMPLES}red.jpg", image_id="a", concepts=["wall"]))
        here.inputs.create_image_from_bytes(png(3), image_id="b", metadata={"k": 1})
        yield here, there


def told(app: ClarifaiApp, question: Asked) -> Any:
    try:
        answer = question(app)
    except ApiError as fault:
        assert fault.response is not None
        answer = {"http": fault.response.status_code, **fault.response.json()}
    answer = json.loads(json.dumps(answer))
    for name in _CHANGING:
        answer.pop(name, None)
    for kind in ("outputs", "inputs"):
        for one in answer.get(kind, []):
            if kind == "outputs" or one["status"]["code"] != 30000:
                for name in _CHANGING:
                    one.pop(name, None)
                    one.get("input", {}).pop(name, None)
    return answer


def without_urls(value: Any) -> Any:
    if isinstance(value, dict):
        is_ours = str(value.get("url", "")).startswith(("file:", "http://127.0.0.1"))
        return {k: "ours" if k == "url" and is_ours else without_urls(v) for k, v in value.items()}
    return [without_urls(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_same_answer(apps: tuple[ClarifaiApp, ClarifaiApp], name: str) -> None:
    here, there = (told(app, QUESTIONS[name]) for app in apps)
    assert without_urls(here) == without_urls(there)


def test_each_finds_by_the_urls_that_it_told(apps: tuple[ClarifaiApp, ClarifaiApp]) -> None:
    for app in apps:
        image = app.inputs.get("b")
        assert app.inputs.search_by_image(url=image.url)[0].input_id == "b"
        query = SearchQueryBuilder()
        query.add_term(InputSearchTerm(input_id="b"))
        assert app.inputs.search(query)[0].url == image.url
