"""Concepts and models through the old Python classes, in process."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localsearch.rest import (
    ApiError,
    ClarifaiApp,
    Concept,
    Model,
    ModelOutputConfig,
    ModelOutputInfo,
    UserError,
)
from localsearch.rest import Image as ClImage
from tests.make_library import write_photo
from tests.rest_app import GREEN, RED, SAMPLES, app_in, listen, mirror, png

GENERAL = "aaa03c23b3724a16a56b629203edc62c"
EMBEDDING = "bbb5f41425b8468d9b7a554ff10f8581"


@pytest.fixture
def app(photos: Path, tmp_path: Path) -> Iterator[ClarifaiApp]:
    made = app_in(photos, url_map=[(SAMPLES, mirror(tmp_path, red=RED))])
    yield made
    made.library.close()


# ------------------------------------------------------------------ concepts


def test_concepts_are_made_found_and_renamed(app: ClarifaiApp) -> None:
    made = app.concepts.create("boscoe", "Boscoe the dog")
    assert (made.concept_id, made.concept_name) == ("boscoe", "Boscoe the dog")
    assert made.app_id and made.created_at
    assert app.concepts.create("plain").concept_name == "plain"
    more = app.concepts.bulk_create(["id1", "id2"], ["cute cat", "cute dog"])
    assert [one.concept_name for one in more] == ["cute cat", "cute dog"]
    assert [one.concept_id for one in app.concepts.bulk_create(["x", "y"])] == ["x", "y"]
    assert app.concepts.get("id1").concept_name == "cute cat"  # type: ignore[union-attr]
    renamed = app.concepts.update("id1", "kitty")
    assert (renamed.concept_id, renamed.concept_name) == ("id1", "kitty")
    both = app.concepts.bulk_update(["id1", "id2"], ["one", "two"])
    assert [one.concept_name for one in both] == ["one", "two"]
    assert "boscoe" in [one.concept_id for one in app.concepts.get_all()]


def test_concepts_are_searched_by_name(app: ClarifaiApp) -> None:
    app.concepts.bulk_create(["id1", "id2"], ["cute cat", "cute dog"])
    assert {one.concept_name for one in app.concepts.search("cute*")} == {"cute cat", "cute dog"}
    assert [one.concept_name for one in app.concepts.search("Cute Cat")] == ["cute cat"]
    assert "people" in [one.concept_name for one in app.concepts.search("peo*")]
    assert list(app.concepts.search("no such thing*")) == []


def test_all_concepts_end_and_none_is_told_twice(app: ClarifaiApp) -> None:
    app.concepts.bulk_create([f"c{number}" for number in range(30)])
    ids = [one.concept_id for one in app.concepts.get_all()]
    assert len(ids) == len(set(ids))
    assert {f"c{number}" for number in range(30)} <= set(ids)
    assert [one.concept_id for one in app.concepts.get_by_page(2, 10)] == ids[10:20]


def test_wrong_concepts(app: ClarifaiApp) -> None:
    app.concepts.create("taken")
    with pytest.raises(ApiError) as caught:
        app.concepts.create("taken")
    assert (caught.value.error_code, caught.value.response.status_code) == (40003, 400)  # type: ignore[union-attr]
    with pytest.raises(ApiError):
        app.concepts.get("no such concept")
    wrong: list[Any] = [
        lambda: app.concepts.bulk_create(["a"], ["a", "b"]),
        lambda: app.concepts.bulk_create("a"),
        lambda: app.concepts.bulk_update(["a"], []),
        lambda: app.concepts.update("taken", "x", action="merge"),
    ]
    for call in wrong:
        with pytest.raises(UserError):
            call()


# ------------------------------------------------------------------ models


def test_nothing_is_asked_before_it_is_needed(app: ClarifaiApp) -> None:
    heard = listen(app)
    for name in ("general_model", "nsfw_model", "wedding_model"):
        assert isinstance(getattr(app.public_models, name), Model)
    assert app.models.get(model_id="any").model_id == "any"
    assert heard == []
    assert app.models.get("general-v1.3").model_id == GENERAL
    asked = len(heard)
    assert app.models.get("general-v1.3").model_id == GENERAL
    assert len(heard) == asked
    with pytest.raises(AttributeError):
        _ = app.public_models.no_such_model


def test_models_are_listed_and_found(app: ClarifaiApp) -> None:
    models = list(app.models.get_all())
    assert GENERAL in [one.model_id for one in models]
    for model in models:
        assert model.model_name and model.created_at and model.model_version
        assert model.model_status_code == 21100
        assert model.output_info["type"]
    public = app.models.get_by_page(public_only=True)
    assert isinstance(public, list) and {one.app_id for one in public} <= {"", "main"}
    assert app.models.get_by_page(private_only=True) == list(app.models.get_all(private_only=True))
    found = app.models.search("general-v1.3")
    assert found is not None and GENERAL in [one.model_id for one in found]
    assert app.models.search("no such model") is None
    assert app.models.get("general-v1.3", model_type="embed").model_id == EMBEDDING


def test_a_model_that_is_none_is_one_clear_error(app: ClarifaiApp) -> None:
    with pytest.raises(ApiError) as caught:
        app.models.get("my-model")
    assert caught.value.error_code == 21200
    with pytest.raises(ApiError) as caught:
        app.public_models.food_model.predict_by_bytes(png(RED))
    assert caught.value.response is not None and caught.value.response.status_code == 404
    with pytest.raises(UserError):
        app.models.get()


def test_what_a_model_is(app: ClarifaiApp) -> None:
    model = app.public_models.general_model
    assert model.get_info()["model"]["id"] == GENERAL
    concepts = model.get_info(verbose=True)["model"]["output_info"]["data"]["concepts"]
    assert model.get_concept_ids() == [one["id"] for one in concepts]
    versions = model.list_versions()["model_versions"]
    told = model.get_version(versions[0]["id"])["model_version"]
    assert told["status"]["code"] == 21100
    assert isinstance(model.get_inputs()["inputs"], list)
    assert model.send_concept_feedback("x", "http://a/b.jpg", ["cat"])["status"]["code"] == 10000


# ------------------------------------------------------------------ predictions


def first(answer: dict[str, Any]) -> str:
    (output,) = answer["outputs"]
    concepts = output["data"]["concepts"]
    values = [one["value"] for one in concepts]
    assert values == sorted(values, reverse=True)
    return str(concepts[0]["name"])


def test_every_way_of_predicting(app: ClarifaiApp, tmp_path: Path) -> None:
    file = write_photo(tmp_path / "a.png", RED)
    model, data = app.models.get("general-v1.3"), file.read_bytes()
    coded = base64.b64encode(data)
    answers = [
        model.predict_by_url(f"{SAMPLES}red.png"),
        model.predict_by_url(url=f" {SAMPLES}red.png "),
        model.predict_by_filename(str(file)),
        model.predict_by_bytes(data),
        model.predict_by_base64(coded),
        model.predict_by_base64(coded.decode()),
        model.predict([ClImage(filename=str(file))]),
        app.tag_files([str(file)]),
        app.tag_files([str(file)], model_id=GENERAL),
        app.tag_urls([f"{SAMPLES}red.png"]),
        app.api.predict_concepts([ClImage(base64=coded)]),
    ]
    names = [first(one) for one in answers]
    assert set(names) == {names[0]}
    assert list(app.inputs.get_all()) == []


def test_what_a_prediction_is_asked_to_tell(app: ClarifaiApp) -> None:
    model = app.public_models.general_model
    few = model.predict_by_bytes(png(RED), max_concepts=2)
    assert len(few["outputs"][0]["data"]["concepts"]) == 2
    sure = model.predict_by_bytes(png(RED), min_value=0.5)["outputs"][0]["data"]["concepts"]
    assert sure and all(one["value"] >= 0.5 for one in sure)
    for chosen in ([Concept(concept_name="green"), Concept(concept_id="t0000")], ["green", "red"]):
        told = model.predict_by_bytes(png(GREEN), select_concepts=chosen)
        assert {one["name"] for one in told["outputs"][0]["data"]["concepts"]} == {"green", "red"}
    info = ModelOutputInfo(output_config=ModelOutputConfig(max_concepts=1))
    assert len(model.predict([ClImage(base64=base64.b64encode(png(RED)))], info)["outputs"]) == 1


def test_vectors(app: ClarifaiApp) -> None:
    answer = app.public_models.general_embedding_model.predict_by_bytes(png(RED))
    (vector,) = answer["outputs"][0]["data"]["embeddings"]
    assert vector["num_dimensions"] == len(vector["vector"])
    image = ClImage(base64=base64.b64encode(png(RED)))
    assert app.api.predict_embed([image])["outputs"][0]["data"] == answer["outputs"][0]["data"]
    with pytest.raises(UserError, match="color"):
        app.api.predict_colors([image])


def test_wrong_predictions(app: ClarifaiApp) -> None:
    model = app.public_models.general_model
    wrong: list[Any] = [
        lambda: model.predict(ClImage(url="http://a")),
        lambda: model.predict(["http://a"]),
        lambda: model.predict([ClImage(image_id="x")]),
        lambda: model.predict_by_bytes("text"),
        lambda: model.predict_by_filename("none.jpg"),
        lambda: app.tag_urls("http://a"),
        lambda: app.tag_urls(["http://a"] * 129),
        lambda: app.tag_files([5]),
        lambda: model.evaluate(),
    ]
    for call in wrong:
        with pytest.raises(UserError):
            call()
    mixed = model.predict([ClImage(base64=base64.b64encode(one)) for one in (png(RED), b"none")])
    assert [one["status"]["code"] == 10000 for one in mixed["outputs"]] == [True, False]
    with pytest.raises(ApiError):
        model.predict_by_url("http://a/b.mp4", is_video=True)


def test_workflows_are_none(app: ClarifaiApp) -> None:
    assert list(app.workflows.get_all()) == []
    assert app.workflows.get_by_page(public_only=True) == []
    with pytest.raises(ApiError) as caught:
        app.workflows.get("General")
    assert caught.value.error_code == 22102


def test_the_low_level_calls(app: ClarifaiApp) -> None:
    image = ClImage(base64=base64.b64encode(png(RED)), image_id="a")
    api = app.api
    assert api.add_inputs([image])["inputs"][0]["id"] == "a"
    assert api.get("inputs/a")["input"] == api.get_input("a")["input"]
    assert api.get("inputs", {"page": 1, "per_page": 5})["inputs"] == api.get_inputs()["inputs"]
    assert api.post("searches", {"query": {"ands": []}})["hits"][0]["score"] == 1
    assert api.patch_inputs("merge", [ClImage(image_id="a", concepts=["x"])])["inputs"]
    assert api.get_inputs_status()["counts"]["processed"] == 1
    assert api.delete("inputs", {"ids": ["a"]})["status"]["code"] == 10000
    assert api.get_token() and api.token
    with pytest.raises(ApiError) as caught:
        api.get("nowhere")
    assert (caught.value.error_code, caught.value.method) == (11101, "GET")
    assert caught.value.response is not None and "models" not in caught.value.response.json()


def test_a_model_of_ones_own_is_taught_and_asked(app: ClarifaiApp) -> None:
    for seed in range(12):
        said = {"concepts": ["mine"]} if seed == RED else {"not_concepts": ["mine"]}
        app.inputs.create_image_from_bytes(png(seed), **said)  # type: ignore[arg-type]
    made = app.models.create("colours", concepts=["mine"])
    assert (made.model_id, made.model_name, made.model_status_code) == ("colours", "colours", 21102)
    trained = made.train()
    assert isinstance(trained, Model) and trained.model_status_code == 21100
    model = app.models.get("colours")
    assert model.get_concept_ids() == ["mine"]
    values = [
        model.predict_by_bytes(png(seed))["outputs"][0]["data"]["concepts"][0]["value"]
        for seed in (RED, GREEN)
    ]
    assert values[0] > values[1]
    assert [one.model_id for one in app.models.get_all(private_only=True)] == ["colours"]
    assert model.add_concepts(["other"]).get_concept_ids() == ["mine", "other"]
    assert model.delete_concepts(["other"]).get_concept_ids() == ["mine"]
    assert model.update() is model
    assert app.models.delete("colours")["status"]["code"] == 10000
    app.wait_until_models_delete_finish()
