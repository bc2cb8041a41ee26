"""The objects of the old Python client: their shapes on the wire, and what they refuse."""

from __future__ import annotations

import base64
import io
import json
import pickle
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import localsearch as ls
from localsearch import rest
from localsearch.rest import client
from localsearch.rest.answers import hit_of, image_of
from localsearch.rest.reply import Reply
from localsearch.rest.wire import plain

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
CODED = base64.b64encode(PNG)


def test_both_old_modules_hold_the_same_names() -> None:
    assert set(rest.__all__) == set(client.__all__)
    assert all(getattr(client, name) is getattr(rest, name) for name in rest.__all__)


def test_every_name_of_the_old_package_is_there() -> None:
    old = (
        "ApiClient ClarifaiApp Model Image Video Concept ModelOutputInfo ModelOutputConfig "
        "InputSearchTerm OutputSearchTerm SearchQueryBuilder Geo GeoPoint GeoBox GeoLimit "
        "ApiStatus FeedbackInfo FeedbackType Region RegionInfo BoundingBox Face "
        "FaceAgeAppearance FaceIdentity FaceGenderAppearance FaceMulticulturalAppearance "
        "Workflow ApiError UserError TokenError"
    )
    assert set(old.split()) <= set(rest.__all__)


# ------------------------------------------------------------------ images


def media(image: rest.Image) -> Any:
    return image.dict()["data"]["image"]


@pytest.mark.parametrize(
    "given",
    [
        CODED,
        CODED.decode(),
        f"data:image/png;base64,{CODED.decode()}",
        "\r\n".join(CODED.decode()[at : at + 64] for at in range(0, len(CODED), 64)),
    ],
    ids=["bytes", "text", "data URI", "wrapped"],
)
def test_base64_in_every_form(given: Any) -> None:
    assert media(rest.Image(base64=given)) == {"base64": CODED.decode()}


def test_file_objects_are_read_whole_from_their_beginning(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(PNG)
    half_read = io.BytesIO(PNG)
    half_read.read(9)
    with file.open("rb") as plain_file, file.open("r+b") as both_ways:
        plain_file.read(5)
        with tempfile.TemporaryFile() as temporary:
            temporary.write(PNG)
            for one in (half_read, plain_file, both_ways, temporary):
                assert media(rest.Image(file_obj=one)) == {"base64": CODED.decode()}
                assert not one.closed
    assert media(rest.Image(filename=str(file))) == {"base64": CODED.decode()}
    assert media(rest.Image(filename=file)) == {"base64": CODED.decode()}


def test_a_pipe_cannot_be_rewound_and_is_read_all_the_same() -> None:
    class Pipe:
        def read(self) -> bytes:
            return PNG

    assert media(rest.Image(file_obj=Pipe())) == {"base64": CODED.decode()}


def test_what_is_no_picture_is_a_user_error(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("words")
    with text.open() as file, pytest.raises(rest.UserError, match="'rb'"):
        rest.Image(file_obj=file)
    with pytest.raises(rest.UserError, match="no file object"):
        rest.Image(file_obj=object())
    with pytest.raises(rest.UserError, match="Invalid file path"):
        rest.Image(filename=str(tmp_path / "none.jpg"))
    with pytest.raises(rest.UserError, match="Not a regular file"):
        rest.Image(filename=str(tmp_path))
    for wrong in (42, PNG):
        with pytest.raises(rest.UserError, match="base64"):
            rest.Image(base64=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"concepts": "cat"},
        {"not_concepts": {"cat"}},
        {"metadata": [1]},
        {"geo": (1, 2)},
        {"regions": ["a"]},
        {"feedback_info": "good"},
        {"crop": [0, 1]},
        {"crop": "0,0,1,1"},
    ],
)
def test_wrong_kinds_are_user_errors(wrong: dict[str, Any]) -> None:
    with pytest.raises(rest.UserError):
        rest.Image(url="http://a/b.jpg", **wrong)


def test_an_image_with_all_that_can_be_said() -> None:
    image = rest.Image(
        url=" http://a/b.jpg ",
        image_id="x1",
        crop=[0.1, 0.2, 0.8, 0.9],
        concepts=["cat"],
        not_concepts=["dog"],
        metadata={"k": {"n": 1}},
        geo=rest.Geo(rest.GeoPoint(-40, 30)),
        allow_dup_url=True,
    )
    assert image.dict() == {
        "id": "x1",
        "data": {
            "concepts": [{"id": "cat", "value": True}, {"id": "dog", "value": False}],
            "metadata": {"k": {"n": 1}},
            "geo": {"geo_point": {"longitude": -40.0, "latitude": 30.0}},
            "image": {
                "url": "http://a/b.jpg",
                "crop": [0.1, 0.2, 0.8, 0.9],
                "allow_duplicate_url": True,
            },
        },
    }
    assert (image.score, image.status, image.input_id) == (0, None, "x1")
    assert rest.Image(image_id="x1").dict() == {"id": "x1"}


# ------------------------------------------------------------------ answers

TOLD: dict[str, Any] = {
    "id": "x1",
    "created_at": "2018-03-05T09:30:00Z",
    "data": {
        "image": {"url": "http://a/b.jpg"},
        "concepts": [
            {"id": "c1", "name": "cat", "value": 1},
            {"id": "dog", "name": "dog", "value": 0.9},
            {"id": "bird", "value": 0},
            {"id": "fish", "name": "fish"},
        ],
        "metadata": {"album": "spring"},
        "geo": {"geo_point": {"longitude": 14.5, "latitude": 46.05}, "more": 1},
        "more": {},
    },
    "status": {"code": 30000, "description": "Download complete"},
}


def test_an_answered_image() -> None:
    image = image_of(TOLD)
    assert (image.input_id, image.url) == ("x1", "http://a/b.jpg")
    assert (image.concepts, image.not_concepts) == (["cat", "dog", "fish"], ["bird"])
    assert image.metadata == {"album": "spring"}
    assert image.geo is not None and image.geo.geo_point is not None
    assert image.geo.geo_point.longitude == 14.5
    assert image.status is not None and image.status.code == 30000
    assert hit_of({"score": 0.5, "input": TOLD}).score == 0.5


def test_an_answered_image_posted_again_keeps_the_ids_of_its_concepts() -> None:
    again = image_of(TOLD).dict()["data"]["concepts"]
    assert [one["id"] for one in again] == ["c1", "dog", "fish", "bird"]


@pytest.mark.parametrize(
    "odd",
    [
        {"id": "x"},
        {"id": "x", "data": {}},
        {"id": "x", "data": {"image": {}}},
        {"id": "x", "data": {"image": {"base64": CODED.decode()}, "geo": {}, "concepts": None}},
        {"id": "x", "data": {"regions": [{"id": "r"}]}},
    ],
)
def test_answers_that_lack_things_are_images_all_the_same(odd: dict[str, Any]) -> None:
    image = image_of(odd)
    assert image.input_id == "x"
    image.dict()


def test_regions_come_back() -> None:
    box = rest.BoundingBox(0.1, 0.2, 0.3, 0.4)
    region = rest.Region(
        rest.RegionInfo(bbox=box, feedback_type=rest.FeedbackType.misplaced),
        concepts=[rest.Concept(concept_id="cat", value=1)],
        face=rest.Face(identity=rest.FaceIdentity([rest.Concept(concept_id="me")])),
        region_id="r1",
    )
    told = region.dict()
    assert told["region_info"]["feedback"] == "misplaced"
    assert told["data"]["face"] == {"identity": {"concepts": [{"id": "me"}]}}
    (found,) = image_of({"id": "x", "data": {"regions": [told]}}).regions or []
    assert found.region_info is not None and found.region_info.bbox is not None
    assert vars(found.region_info.bbox) == vars(box)


def test_counts_and_status() -> None:
    counts = {"processed": 3, "to_process": 1, "errors": 0, "processing": 0}
    found = rest.InputCounts({"counts": counts})
    assert (found.processed, found.to_process, found.errors) == (3, 1, 0)
    assert found.dict() == {"counts": {"processed": 3, "to_process": 1, "errors": 0}}
    for wrong in ({}, {"counts": None}):
        with pytest.raises(rest.UserError):
            rest.InputCounts(wrong)
    status = rest.ApiStatus({"code": 10000, "description": "Ok", "details": "none"})
    assert status.dict() == {"status": {"code": 10000, "description": "Ok"}}


# ------------------------------------------------------------------ terms and places


def test_terms_as_they_travel() -> None:
    concept = {"concepts": [{"name": "cat", "value": True}]}
    by_id = {"concepts": [{"id": "c1", "value": 0.5}]}
    crop = [0, 0, 1, 1]
    assert rest.InputSearchTerm("http://a").dict() == {
        "input": {"data": {"image": {"url": "http://a"}}}
    }
    assert rest.InputSearchTerm(input_id="x").dict() == {
        "input": {"id": "x", "data": {"image": {}}}
    }
    assert rest.InputSearchTerm(concept="cat").dict() == {"input": {"data": concept}}
    assert rest.InputSearchTerm(concept_id="c1", value=0.5).dict() == {"input": {"data": by_id}}
    assert rest.OutputSearchTerm(concept="cat").dict() == {"output": {"data": concept}}
    assert rest.OutputSearchTerm(concept_id="c1", value=0.5).dict() == {"output": {"data": by_id}}
    assert rest.OutputSearchTerm("http://a", crop=crop).dict() == {
        "output": {"input": {"data": {"image": {"url": "http://a", "crop": crop}}}}
    }
    assert rest.OutputSearchTerm(base64=CODED).dict() == {
        "output": {"input": {"data": {"image": {"base64": CODED.decode()}}}}
    }
    assert rest.OutputSearchTerm(input_id="x", crop=crop).dict() == {
        "output": {"input": {"id": "x", "data": {"image": {"crop": crop}}}}
    }
    for empty in (rest.InputSearchTerm(), rest.OutputSearchTerm()):
        with pytest.raises(rest.UserError):
            empty.dict()


def test_a_query_takes_terms_only() -> None:
    query = rest.SearchQueryBuilder(language="zh")
    query.add_term(rest.InputSearchTerm(concept="cat"))
    assert query.dict() == {"ands": [query.terms[0].dict()], "language": "zh"}
    for wrong in ("cat", {"input": {}}, rest.Image(url="http://a"), rest.SearchTerm()):
        with pytest.raises(rest.UserError):
            query.add_term(wrong)


def test_places_as_they_travel() -> None:
    point, limit = rest.GeoPoint("-40", 30), rest.GeoLimit("kilometer", 5)  # type: ignore[arg-type]
    told = {"geo_point": {"longitude": -40.0, "latitude": 30.0}}
    radius = {"geo_limit": {"type": "withinKilometers", "value": 5.0}}
    assert rest.Geo(point).dict() == {"geo": told}
    assert rest.Geo(point, limit).dict() == {"geo": {**told, **radius}}
    assert rest.Geo(geo_box=rest.GeoBox(point, point)).dict() == {"geo": {"geo_box": [told, told]}}
    assert rest.GeoLimit().dict() == {"geo_limit": {"type": "withinMiles", "value": 10.0}}
    assert rest.GeoLimit("withinMiles", 3).dict() == {
        "geo_limit": {"type": "withinMiles", "value": 3}
    }
    with pytest.raises(ValueError, match="mile, kilometer, degree, radian"):
        rest.GeoLimit("furlong")
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {"geo_limit": limit},
        {"geo_point": point, "geo_box": rest.GeoBox(point, point)},
        {"geo_limit": limit, "geo_box": rest.GeoBox(point, point)},
    )
    for each in wrong:
        with pytest.raises(Exception, match="Geo takes"):
            rest.Geo(**each)


def test_output_info_holds_concepts_and_config() -> None:
    config = rest.ModelOutputConfig(language="en", max_concepts=3, select_concepts=["cat"])
    info = rest.ModelOutputInfo(concepts=[rest.Concept(concept_id="c1")], output_config=config)
    assert info.dict()["output_info"]["data"] == {"concepts": [{"id": "c1"}]}
    told = info.dict()["output_info"]["output_config"]
    assert (told["max_concepts"], told["select_concepts"]) == (3, [{"name": "cat"}])
    assert "min_value" not in told


def test_feedback_and_videos_can_be_built() -> None:
    info = rest.FeedbackInfo("u", "s", "search_click", search_id="q")
    assert info.dict()["feedback_info"]["search_id"] == "q"
    assert rest.Video(url="http://a/b.mp4").dict() == {"data": {"video": {"url": "http://a/b.mp4"}}}


# ------------------------------------------------------------------ errors


def refused() -> rest.ApiError:
    status = {"code": 10020, "description": "Failure"}
    why = {"code": 30002, "description": "Download failed", "details": "map it, or allow it"}
    items = [{"id": "a", "status": {"code": 30000, "description": "Ok"}}, {"status": why}]
    return rest.ApiError(
        "/v2/inputs", {"a": 1}, "POST", Reply(400, {"status": status, "inputs": items})
    )


def test_an_api_error_tells_all_that_it_knows() -> None:
    fault = refused()
    assert (fault.error_code, fault.error_desc, fault.error_details) == (10020, "Failure", None)
    assert (fault.method, fault.resource, fault.params) == ("POST", "/v2/inputs", {"a": 1})
    assert fault.response is not None
    assert (fault.response.status_code, fault.response.ok) == (400, False)
    assert (fault.response.reason, fault.response.json()["status"]["code"]) == (
        "Bad Request",
        10020,
    )
    assert isinstance(str(fault), str)
    assert "inputs[1]: 30002, Download failed, map it, or allow it" in str(fault)
    assert "inputs[0]" not in str(fault)


def test_errors_stand_in_the_tree_and_travel() -> None:
    assert issubclass(rest.ApiError, ls.LocalsearchError)
    assert issubclass(rest.UserError, ls.InputError)
    again = pickle.loads(pickle.dumps(refused()))
    assert (str(again), again.error_code, again.response.status_code) == (
        str(refused()),
        10020,
        400,
    )
    nothing = rest.ApiError("/v2/inputs", None, "GET")
    assert (nothing.error_code, nothing.response) == ("N/A", None)


# ------------------------------------------------------------------ what travels

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_what_travels_in_process_is_what_json_carries(value: Any) -> None:
    assert plain(value) == json.loads(json.dumps(value))
    keyed = {2: value, 1.5: value, True: value, None: (value,)}
    assert plain(keyed) == json.loads(json.dumps(keyed))


def test_what_json_cannot_carry_is_a_type_error() -> None:
    for wrong in ({1}, b"bytes", object(), {(1, 2): 3}):
        with pytest.raises(TypeError):
            plain({"metadata": wrong})
