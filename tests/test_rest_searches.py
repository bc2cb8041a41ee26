"""Searches through the old Python classes, in process, and what each sends."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localsearch.rest import (
    ApiError,
    ClarifaiApp,
    FeedbackInfo,
    Geo,
    GeoBox,
    GeoLimit,
    GeoPoint,
    InputSearchTerm,
    OutputSearchTerm,
    SearchQueryBuilder,
    UserError,
)
from localsearch.rest import Image as ClImage
from tests.make_library import write_photo
from tests.rest_app import BLUE, BROWN, GREEN, RED, SAMPLES, WHITE, app_in, listen, mirror, png

Call = tuple[str, str, Any]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, tiny_pack: str) -> Iterator[ClarifaiApp]:
    """Five images, which no test of this file changes."""
    folder = tmp_path_factory.mktemp("searched")
    place = mirror(folder, red=RED, green=GREEN, blue=BLUE)
    (folder / "photos").mkdir()
    made = app_in(folder / "photos", url_map={SAMPLES: place})
    made.inputs.bulk_create_images(
        [
            ClImage(
                url=f"{SAMPLES}red.png", image_id="red", concepts=["wall"], geo=at(14.5, 46.05)
            ),
            ClImage(url=f"{SAMPLES}green.png", image_id="green", concepts=["grass", "wall"]),
            ClImage(base64=base64.b64encode(png(WHITE)), image_id="white", not_concepts=["wall"]),
            ClImage(base64=base64.b64encode(png(BROWN)), image_id="brown", geo=at(14.6, 46.05)),
            ClImage(
                url=f"{SAMPLES}blue.png", image_id="blue", metadata={"a": {"b": [1, 2]}, "c": "d"}
            ),
        ]
    )
    yield made
    made.library.close()


def at(longitude: float, latitude: float) -> Geo:
    return Geo(geo_point=GeoPoint(longitude, latitude))


@pytest.fixture
def heard(app: ClarifaiApp) -> Iterator[list[Call]]:
    before = app.api.transport
    yield listen(app)
    app.api.transport = before


def ids(found: Any) -> list[str]:
    return [one.input_id for one in found]


def sent(heard: list[Call]) -> Any:
    ((method, path, body),) = heard
    assert (method, path) == ("POST", "/v2/searches")
    heard.clear()
    return body["query"]["ands"]


# ------------------------------------------------------------------ concepts


def test_by_a_concept(app: ClarifaiApp) -> None:
    found = app.inputs.search_by_predicted_concepts(concept="red")
    assert ids(found)[0] == "red"
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert 0.5 < found[0].score <= 1
    assert found[0].url == f"{SAMPLES}red.png"
    assert ids(app.inputs.search_by_predicted_concepts("red")) == ids(found)
    assert ids(app.inputs.search_by_predicted_concepts(concepts=["red"])) == ids(found)


def test_all_of_a_list_is_asked_for(app: ClarifaiApp, heard: list[Call]) -> None:
    app.inputs.search_by_predicted_concepts(concepts=["red", "people"])
    assert sent(heard) == [
        {"output": {"data": {"concepts": [{"name": "red", "value": True}]}}},
        {"output": {"data": {"concepts": [{"name": "people", "value": True}]}}},
    ]
    app.inputs.search_by_predicted_concepts(concept_ids=["t0000", "t-warm"], value=False)
    assert sent(heard) == [
        {"output": {"data": {"concepts": [{"id": "t0000", "value": False}]}}},
        {"output": {"data": {"concepts": [{"id": "t-warm", "value": False}]}}},
    ]
    app.inputs.search_by_annotated_concepts(
        concept_ids=["wall", "grass", "x"], values=[True, False]
    )
    assert [one["input"]["data"]["concepts"][0]["value"] for one in sent(heard)] == [
        True,
        False,
        True,
    ]


def test_with_and_without(app: ClarifaiApp) -> None:
    warm = set(ids(app.inputs.search_by_predicted_concepts(concept="warm colour")))
    found = app.inputs.search_by_predicted_concepts(
        concepts=["warm colour", "red"], values=[True, False]
    )
    assert "red" in warm and "red" not in ids(found)
    assert ids(app.inputs.search_by_annotated_concepts(concept="wall")) == ["red", "green"]
    assert ids(app.inputs.search_by_annotated_concepts(concepts=["wall", "grass"])) == ["green"]
    found = app.inputs.search_by_annotated_concepts(["wall"][0], value=False)
    assert ids(found) == ["white", "brown", "blue"]
    assert {one.score for one in found} == {1}


def test_names_ids_and_nothing_known(app: ClarifaiApp) -> None:
    by_name = app.inputs.search_by_predicted_concepts(concept="red")
    by_id = app.inputs.search_by_predicted_concepts(concept_id="t0000")
    assert ids(by_name) == ids(by_id)
    assert app.inputs.search_by_predicted_concepts(concept="no such thing") == []
    assert app.inputs.search_by_predicted_concepts(concept_id="ai_nosuch") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"concept": ""},
        {"concepts": []},
        {"concept": 5},
        {"concepts": "red"},
        {"concepts": ["red", 5]},
        {"concept": "red", "concepts": ["green"]},
        {"concept_id": "a", "concept_ids": ["b"]},
        {"concepts": ["red"], "values": [True, False]},
        {"value": False},
    ],
)
def test_wrong_concepts_are_user_errors(app: ClarifaiApp, wrong: dict[str, Any]) -> None:
    for search in (
        app.inputs.search_by_predicted_concepts,
        app.inputs.search_by_annotated_concepts,
    ):
        with pytest.raises(UserError):
            search(**wrong)


def test_the_language_is_sent(app: ClarifaiApp, heard: list[Call]) -> None:
    app.inputs.search_by_predicted_concepts(concept="red", lang="en")
    app.inputs.search_by_predicted_concepts(concept_ids=["t0000"], lang="en")
    assert [body["query"]["language"] for _, _, body in heard] == ["en", "en"]


# ------------------------------------------------------------------ pictures


def test_by_every_form_of_a_picture(app: ClarifaiApp, tmp_path: Path) -> None:
    file = write_photo(tmp_path / "query.png", RED)
    data = file.read_bytes()
    coded = base64.b64encode(data)
    search = app.inputs.search_by_image
    with file.open("rb") as opened:
        found = [
            search("red"),
            search(image_id="red"),
            search(image=ClImage(filename=str(file))),
            search(image=ClImage(image_id="red")),
            search(url=f"{SAMPLES}red.png"),
            search(imgbytes=data),
            search(base64bytes=coded),
            search(base64bytes=coded.decode()),
            search(fileobj=opened),
            search(fileobj=io.BytesIO(data)),
            search(filename=str(file)),
            search(filename=file),
        ]
    assert len({tuple(ids(one)) for one in found}) == 1
    assert found[0][0].input_id == "red"
    assert {one[0].score for one in found} == {1.0}
    assert found[0][1].score < 0.9


def test_a_crop_is_sent_whatever_the_source(app: ClarifaiApp, heard: list[Call]) -> None:
    crop, data = [0.1, 0.2, 0.8, 0.9], png(RED)
    search = app.inputs.search_by_image
    for source in (
        {"image_id": "red"},
        {"url": f"{SAMPLES}red.png"},
        {"imgbytes": data},
        {"base64bytes": base64.b64encode(data)},
        {"fileobj": io.BytesIO(data)},
        {"image": ClImage(file_obj=io.BytesIO(data))},
    ):
        search(crop=crop, **source)
        assert sent(heard)[0]["output"]["input"]["data"]["image"]["crop"] == crop
    search(image=ClImage(url=f"{SAMPLES}red.png", crop=crop))
    assert sent(heard)[0]["output"]["input"]["data"]["image"]["crop"] == crop
    search(image=ClImage(url=f"{SAMPLES}red.png", crop=[0, 0, 1, 1]), crop=crop)
    assert sent(heard)[0]["output"]["input"]["data"]["image"]["crop"] == crop


def test_the_answer_itself(app: ClarifaiApp) -> None:
    raw = app.inputs.search_by_image(image_id="red", raw=True)
    assert raw["status"] == {"code": 10000, "description": "Ok"}
    assert raw["hits"][0]["input"]["id"] == "red"
    assert isinstance(raw["id"], str)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"image_id": "a", "url": "http://a"},
        {"imgbytes": "text"},
        {"base64bytes": 5},
        {"image": "http://a"},
        {"image": ClImage()},
        {"filename": "none.jpg"},
    ],
)
def test_wrong_pictures_are_user_errors(app: ClarifaiApp, wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        app.inputs.search_by_image(**wrong)


def test_pictures_that_cannot_be_had(app: ClarifaiApp) -> None:
    for source, http in (
        ({"image_id": "none"}, 404),
        ({"url": "https://elsewhere.example/a.jpg"}, 400),
        ({"imgbytes": b"no picture"}, 400),
    ):
        with pytest.raises(ApiError) as caught:
            app.inputs.search_by_image(**source)  # type: ignore[arg-type]
        assert caught.value.response is not None
        assert caught.value.response.status_code == http


# ------------------------------------------------------------------ what else was said


def test_by_url_metadata_and_place(app: ClarifaiApp) -> None:
    inputs = app.inputs
    assert ids(inputs.search_by_original_url(f"{SAMPLES}blue.png")) == ["blue"]
    assert inputs.search_by_original_url(f"{SAMPLES}none.png") == []
    assert ids(inputs.search_by_metadata({"c": "d"})) == ["blue"]
    assert ids(inputs.search_by_metadata(metadata={"a": {"b": [2]}})) == ["blue"]
    assert inputs.search_by_metadata({"a": {"b": [3]}}) == []
    assert ids(inputs.search_by_geo(GeoPoint(14.5, 46.05))) == ["red", "brown"]
    assert ids(inputs.search_by_geo(GeoPoint(14.5, 46.05), GeoLimit("kilometer", 5))) == ["red"]
    box = GeoBox(GeoPoint(14.7, 46.1), GeoPoint(14.55, 46.0))
    assert ids(inputs.search_by_geo(geo_box=box)) == ["brown"]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"geo_point": (1, 2)},
        {"geo_point": GeoPoint(1, 2), "geo_limit": 5},
        {"geo_box": [1, 2]},
        {"geo_point": GeoPoint(1, 2), "geo_box": GeoBox(GeoPoint(1, 2), GeoPoint(3, 4))},
    ],
)
def test_wrong_places_are_user_errors(app: ClarifaiApp, wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        app.inputs.search_by_geo(**wrong)
    with pytest.raises(UserError):
        app.inputs.search_by_metadata("a")  # type: ignore[arg-type]


def test_terms_are_combined(app: ClarifaiApp) -> None:
    query = SearchQueryBuilder()
    query.add_term(InputSearchTerm(concept="wall"))
    query.add_term(OutputSearchTerm(concept="green", value=False))
    query.add_term(OutputSearchTerm(url=f"{SAMPLES}red.png"))
    (hit,) = app.inputs.search(query)
    assert (hit.input_id, hit.score) == ("red", 1.0)
    assert app.inputs.search(query, 2, 20) == []
    assert app.inputs.search(query, page=1, per_page=5, raw=True)["hits"][0]["score"] == 1.0
    query = SearchQueryBuilder()
    query.add_term(InputSearchTerm(input_id="blue"))
    assert ids(app.inputs.search(query)) == ["blue"]


def test_pages_do_not_overlap(app: ClarifaiApp) -> None:
    pages = [
        ids(app.inputs.search_by_image(image_id="red", page=page, per_page=2))
        for page in (1, 2, 3, 4)
    ]
    assert [len(one) for one in pages] == [2, 2, 1, 0]
    assert [one for page in pages for one in page] == ids(
        app.inputs.search_by_image(image_id="red")
    )
    assert ids(app.inputs.search_by_image(image_id="red", page=0, per_page=0)) == [
        one for page in pages for one in page
    ]


def test_feedback_is_taken(app: ClarifaiApp) -> None:
    info = FeedbackInfo(end_user_id="u", session_id="s", event_type="search_click", search_id="q")
    assert app.inputs.send_search_feedback("red", info)["status"]["code"] == 10000
