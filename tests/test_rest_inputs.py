"""Images through the old Python classes, in process: adding, reading, annotating, deleting."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsearch.rest import ApiError, ClarifaiApp, Geo, GeoPoint, UserError
from localsearch.rest import Image as ClImage
from tests.make_library import open_library, write_photo
from tests.rest_app import BLUE, GREEN, RED, SAMPLES, WHITE, app_in, listen, mirror, png


@pytest.fixture
def app(photos: Path, tmp_path: Path) -> Iterator[ClarifaiApp]:
    place = mirror(tmp_path, red=RED, green=GREEN)
    made = app_in(photos, url_map={SAMPLES: place})
    yield made
    made.library.close()


def file_of(url: str | None) -> Path:
    assert url is not None
    parts = urlsplit(url)
    assert parts.scheme == "file"
    return Path(url2pathname(parts.path))


# ------------------------------------------------------------------ adding


def test_every_way_of_adding(app: ClarifaiApp, tmp_path: Path) -> None:
    file = write_photo(tmp_path / "a.png", BLUE)
    coded = base64.b64encode(png(WHITE))
    added = [
        app.inputs.create_image_from_url(f"{SAMPLES}red.png"),
        app.inputs.create_image_from_filename(str(file)),
        app.inputs.create_image_from_bytes(png(1)),
        app.inputs.create_image_from_base64(coded),
        app.inputs.create_image_from_base64(base64.b64encode(png(4)).decode()),
        app.inputs.create_image(ClImage(file_obj=io.BytesIO(png(6)))),
        *app.inputs.bulk_create_images(
            [ClImage(url=f"{SAMPLES}green.png"), ClImage(filename=file)]
        ),
    ]
    assert all(one.status is not None and one.status.code == 30000 for one in added)
    assert added[0].url == f"{SAMPLES}red.png"
    assert len({one.input_id for one in added}) == len(added)
    assert [one.input_id for one in app.inputs.get_all()] == [one.input_id for one in added]
    assert app.inputs.check_status().dict()["counts"] == {
        "processed": len(added),
        "to_process": 0,
        "errors": 0,
    }


def test_positional_arguments_as_they_were(app: ClarifaiApp) -> None:
    added = app.inputs.create_image_from_url(
        f"{SAMPLES}red.png",
        "my-red",
        ["wall"],
        ["floor"],
        [0.1, 0.1, 0.9, 0.9],
        {"album": "spring"},
        Geo(GeoPoint(14.5, 46.05)),
        True,
    )
    found = app.inputs.get("my-red")
    for one in (added, found):
        assert (one.input_id, one.url) == ("my-red", f"{SAMPLES}red.png")
        assert (one.concepts, one.not_concepts) == (["wall"], ["floor"])
        assert one.metadata == {"album": "spring"}
        assert one.geo is not None
        assert one.geo.dict()["geo"]["geo_point"] == {"longitude": 14.5, "latitude": 46.05}


def test_the_url_of_bytes_is_a_file_with_these_bytes(app: ClarifaiApp) -> None:
    ids = [
        "plain",
        "Plain",
        "with space",
        "höhe",
        'odd: "*?"',
        "x" * 200,
        ".hidden",
        "end.",
        "nul",
        "CON.x",
    ]
    for number, one in enumerate(ids):
        app.inputs.create_image_from_bytes(png(20 + number), image_id=one)
    urls = {one.input_id: one.url for one in app.inputs.get_all()}
    assert len(set(urls.values())) == len(ids)
    for number, one in enumerate(ids):
        assert file_of(urls[one]).read_bytes() == png(20 + number)
    assert {one.input_id: one.url for one in app.inputs.get_all()} == urls


def test_the_url_of_a_photo_is_its_file(app: ClarifaiApp, photos: Path) -> None:
    file = write_photo(photos / "2024" / "größe.png", RED)
    app.library.sync()
    (found,) = app.inputs.get_by_page()
    assert file_of(found.url) == file


def test_files_of_deleted_bytes_go_with_them(app: ClarifaiApp) -> None:
    added = [app.inputs.create_image_from_bytes(png(seed)) for seed in range(4)]
    files = [file_of(one.url) for one in added]
    assert all(file.is_file() for file in files)
    app.inputs.delete(str(added[0].input_id))
    app.inputs.delete([str(added[1].input_id)])
    assert [file.exists() for file in files] == [False, False, True, True]
    app.inputs.delete_all()
    assert not any(file.exists() for file in files)


def test_a_search_knows_the_urls_that_were_told(app: ClarifaiApp) -> None:
    added = app.inputs.create_image_from_bytes(png(RED), image_id="with space")
    app.inputs.create_image_from_bytes(png(GREEN))
    best, *_ = app.inputs.search_by_image(url=added.url)
    assert (best.input_id, best.score) == ("with space", 1.0)


def test_refusals_come_before_anything_is_sent(app: ClarifaiApp) -> None:
    heard = listen(app)
    wrong: list[Any] = [
        lambda: app.inputs.create_image(ClImage(image_id="only-an-id")),
        lambda: app.inputs.create_image(ClImage(url="", metadata={"a": 1})),
        lambda: app.inputs.create_image("http://a/b.jpg"),  # type: ignore[arg-type]
        lambda: app.inputs.create_image_from_url(f"{SAMPLES}red.png", image_id="a/b"),
        lambda: app.inputs.create_image_from_bytes("text"),  # type: ignore[arg-type]
        lambda: app.inputs.create_image_from_filename("none.jpg"),
        lambda: app.inputs.bulk_create_images([ClImage(url="http://a/b.jpg")] * 129),
        lambda: app.inputs.bulk_create_images(["http://a/b.jpg"]),  # type: ignore[list-item]
        lambda: app.inputs.update(ClImage(image_id="x")),
        lambda: app.inputs.update(ClImage(image_id="x", concepts=["a"]), action="add"),
        lambda: app.inputs.bulk_merge_concepts(["x"], []),
        lambda: app.inputs.bulk_delete_concepts(["x"], []),
    ]
    for call in wrong:
        with pytest.raises(UserError):
            call()
    assert heard == []


def test_a_url_that_is_neither_mapped_nor_allowed(app: ClarifaiApp) -> None:
    with pytest.raises(ApiError) as caught:
        app.inputs.create_image_from_url("https://elsewhere.example/a.jpg")
    assert caught.value.response is not None
    assert caught.value.response.status_code == 400
    assert caught.value.error_code == 10020
    (item,) = caught.value.response.json()["inputs"]
    assert item["status"]["code"] == 30002
    assert "30002" in str(caught.value)
    assert "url_map=" in caught.value.hint


def test_urls_are_fetched_only_when_that_is_allowed(photos: Path) -> None:
    with open_library(photos) as library:
        app = ClarifaiApp(library=library, allow_urls=True)
        with pytest.raises(ApiError, match="computer"):  # and never from this computer
            app.inputs.create_image_from_url("http://127.0.0.1:9/a.jpg")


def test_of_a_mixed_batch_each_tells_its_own_status(app: ClarifaiApp) -> None:
    good, bad = app.inputs.bulk_create_images(
        [ClImage(url=f"{SAMPLES}red.png"), ClImage(base64=base64.b64encode(b"no picture"))]
    )
    assert good.status is not None and good.status.code == 30000
    assert bad.status is not None and bad.status.code != 30000
    assert [one.input_id for one in app.inputs.get_all(ignore_error=True)] == [good.input_id]


def test_the_same_url_twice_and_the_same_id_twice(app: ClarifaiApp) -> None:
    app.inputs.create_image_from_url(f"{SAMPLES}red.png", image_id="a")
    for again, code in (
        (ClImage(url=f"{SAMPLES}red.png"), 30100),
        (ClImage(url=f"{SAMPLES}green.png", image_id="a"), 40010),
    ):
        with pytest.raises(ApiError) as caught:
            app.inputs.create_image(again)
        assert caught.value.response is not None
        assert caught.value.response.json()["inputs"][0]["status"]["code"] == code
    allowed = app.inputs.create_image(ClImage(url=f"{SAMPLES}red.png", allow_dup_url=True))
    assert allowed.input_id != "a"


def test_metadata_that_json_cannot_carry(app: ClarifaiApp) -> None:
    with pytest.raises(TypeError, match="JSON"):
        app.inputs.create_image_from_bytes(png(RED), metadata={"when": object()})
    assert app.inputs.get_by_page() == []


# ------------------------------------------------------------------ reading and deleting


def test_pages_and_the_generator(app: ClarifaiApp) -> None:
    ids = [app.inputs.create_image_from_bytes(png(seed)).input_id for seed in range(23)]
    assert [one.input_id for one in app.inputs.get_by_page(2, 10)] == ids[10:20]
    assert [one.input_id for one in app.inputs.get_by_page(page=3, per_page=10)] == ids[20:]
    assert app.inputs.get_by_page(9, 10) == []
    generator = app.inputs.get_all()
    assert iter(generator) is generator
    assert [one.input_id for one in generator] == ids


def test_deleting(app: ClarifaiApp) -> None:
    ids = [str(app.inputs.create_image_from_bytes(png(seed)).input_id) for seed in range(5)]
    gone = app.inputs.delete(ids[0])
    assert (gone.code, gone.description) == (10000, "Ok")
    assert app.inputs.delete(ids[1:3]).code == 10000
    assert app.delete([ids[3]]).code == 10000
    assert [one.input_id for one in app.inputs.get_all()] == ids[4:]
    with pytest.raises(ApiError) as caught:
        app.inputs.get(ids[0])
    assert caught.value.response is not None
    assert (caught.value.response.status_code, caught.value.error_code) == (404, 30102)
    assert app.inputs.delete_all().code == 10000
    app.wait_until_inputs_delete_finish()
    assert list(app.inputs.get_all()) == []


def test_ids_of_any_kind(app: ClarifaiApp) -> None:
    for one in ("a b", "50%", "größe", "a?b#c", "x%2Fy", "..", "status "):
        app.inputs.create_image_from_bytes(png(len(one)), image_id=one)
        assert app.inputs.get(one).input_id == one
        assert app.inputs.delete(one).code == 10000


def test_deleted_and_added_again_under_the_same_id(app: ClarifaiApp) -> None:
    for seed in (RED, GREEN):
        added = app.inputs.create_image_from_bytes(png(seed), image_id="same")
        assert file_of(added.url).read_bytes() == png(seed)
        app.inputs.delete("same")


def test_waiting_ends(app: ClarifaiApp) -> None:
    app.inputs.create_image_from_bytes(png(RED))
    app.wait_until_inputs_upload_finish()
    app.wait_until_inputs_upload_finish(max_wait=1)
    app.wait_until_models_delete_finish()


# ------------------------------------------------------------------ annotating


@pytest.fixture
def two(app: ClarifaiApp) -> ClarifaiApp:
    for name, seed in (("a", RED), ("b", GREEN)):
        app.inputs.create_image_from_bytes(png(seed), image_id=name)
    return app


def said(app: ClarifaiApp, name: str) -> tuple[list[str], list[str]]:
    image = app.inputs.get(name)
    return sorted(image.concepts or []), sorted(image.not_concepts or [])


def test_concepts_are_merged_overwritten_and_removed(two: ClarifaiApp) -> None:
    inputs = two.inputs
    assert inputs.merge_concepts("a", ["tree"], not_concepts=["water"]).concepts == ["tree"]
    inputs.add_concepts("a", ["sky"], ["tree"])
    assert said(two, "a") == (["sky"], ["tree", "water"])
    inputs.delete_concepts("a", ["water", "sky"])
    assert said(two, "a") == ([], ["tree"])
    inputs.merge_concepts("a", ["only"], None, overwrite=True)
    assert said(two, "a") == (["only"], [])
    pairs = [[("tree", True), ("water", False)], [("animal", True), ("fruit", 0)]]
    changed = inputs.bulk_merge_concepts(["a", "b"], pairs)
    assert [one.input_id for one in changed] == ["a", "b"]
    assert said(two, "b") == (["animal"], ["fruit"])
    inputs.bulk_delete_concepts(["a", "b"], [["tree", "water"], ["animal", "fruit"]])
    assert (said(two, "a"), said(two, "b")) == ((["only"], []), ([], []))


def test_metadata_and_place_are_changed(two: ClarifaiApp) -> None:
    two.inputs.merge_metadata("a", {"album": "spring", "size": 1})
    assert two.inputs.merge_metadata("a", {"size": 2}).metadata == {"album": "spring", "size": 2}
    moved = two.inputs.update(ClImage(image_id="a", geo=Geo(GeoPoint(10, 20))))
    assert moved.geo is not None
    assert moved.geo.dict()["geo"]["geo_point"] == {"longitude": 10.0, "latitude": 20.0}
    both = two.inputs.bulk_update(
        [ClImage(image_id=name, metadata={"both": True}) for name in ("a", "b")]
    )
    assert [(one.metadata or {})["both"] for one in both] == [True, True]


def test_a_fetched_image_changed_and_sent_back(two: ClarifaiApp) -> None:
    two.concepts.create("c1", "cat")
    two.inputs.merge_concepts("a", ["c1"])
    image = two.inputs.get("a")
    assert image.concepts == ["cat"]
    image.metadata = {"seen": True}
    assert two.inputs.update(image).concepts == ["cat"]
    assert two.inputs.get("a").dict()["data"]["concepts"] == [{"id": "c1", "value": True}]


def test_changing_what_is_not_there(two: ClarifaiApp) -> None:
    with pytest.raises(ApiError) as caught:
        two.inputs.merge_concepts("none", ["tree"])
    assert caught.value.response is not None and caught.value.response.status_code in (400, 404)
    good, bad = two.inputs.bulk_merge_concepts(["a", "none"], [[("x", True)], [("x", True)]])
    assert (good.concepts, bad.status is not None and bad.status.code) == (["x"], 30102)


# ------------------------------------------------------------------ whatever is said comes back

WORDS = st.text("abcäß漢 _-.%/\\\"'", min_size=1, max_size=12).filter(lambda word: word.strip())
SCALARS = st.booleans() | st.integers(-(2**40), 2**40) | st.floats(-1e6, 1e6) | WORDS
METADATA = st.dictionaries(
    WORDS, SCALARS | st.lists(SCALARS, min_size=1, max_size=3), min_size=1, max_size=4
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, tiny_pack: str) -> Iterator[ClarifaiApp]:
    made = app_in(tmp_path_factory.mktemp("kept"))
    yield made
    made.library.close()


@settings(max_examples=25, deadline=None)
@given(metadata=METADATA, place=st.tuples(st.floats(-180, 180), st.floats(-90, 90)))
def test_what_was_said_of_an_image_comes_back(
    kept: ClarifaiApp, metadata: dict[str, Any], place: tuple[float, float]
) -> None:
    kept.inputs.delete_all()
    geo = Geo(GeoPoint(*place))
    added = kept.inputs.create_image_from_bytes(png(RED), metadata=metadata, geo=geo)
    for image in (added, kept.inputs.get(str(added.input_id))):
        assert image.metadata == metadata
        assert image.geo is not None and image.geo.geo_point is not None
        found = (image.geo.geo_point.longitude, image.geo.geo_point.latitude)
        assert found == pytest.approx(place, abs=1e-6)
    assert [one.input_id for one in kept.inputs.search_by_metadata(metadata)] == [added.input_id]
