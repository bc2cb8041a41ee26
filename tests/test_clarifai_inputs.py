"""Inputs on the wire: added, listed, looked at, changed, deleted, added again; golden bodies."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import localsearch as ls
from tests.clarifai.world import (
    COLOURS,
    SERVER,
    Wire,
    b64,
    by_bytes,
    by_url,
    golden,
    picture,
    seeded,
    wire,
)
from tests.make_library import write_photo


@pytest.fixture
def w(tmp_path: Path) -> Iterator[Wire]:
    with wire(tmp_path) as made:
        yield made


# -- adding ------------------------------------------------------------------------------------


def test_a_fresh_add_is_indexed_at_once(w: Wire) -> None:
    url = w.url("a.png", seeded(1))
    body = {"inputs": [by_url(url), by_bytes("mine")]}
    golden("add", w.answer("POST", "/v2/inputs", body))
    assert len(w.ok("GET", "/v2/inputs")["inputs"]) == 2


def test_everything_that_an_input_can_have(w: Wire) -> None:
    item = by_url(
        w.url("a.png", seeded(1)),
        "c1f0a3",
        concepts=[
            {"id": "cat", "value": True},
            {"id": "dog", "value": 0.0},
            {"id": "pet1", "name": "Pet", "value": 1},
            {"name": "animal"},
            {"id": "żółw", "language": None, "value": None},
        ],
        metadata={"album": "spring", "n": {"a": 1, "b": None}, "list": [1, None], "e": {}},
        geo={"geo_point": {"longitude": 14.5, "latitude": 46.05}},
    )
    golden("add_whole", w.answer("POST", "/v2/inputs", {"inputs": [item]}))
    golden("get", w.answer("GET", "/v2/inputs/c1f0a3"))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (True, 1),
        (1, 1),
        (1.0, 1),
        (None, 1),
        ("1", 1),
        (0.9, 1),
        (0.5, 1),
        (False, 0),
        (0, 0),
        (0.0, 0),
        ("0", 0),
        (0.4, 0),
        ("false", 0),
    ],
)
def test_a_value_is_a_bool_a_number_or_absent(w: Wire, value: object, told: int) -> None:
    (one,) = w.add(by_bytes("a", concepts=[{"id": "cat", "value": value}]))
    assert one["data"]["concepts"] == [
        {"id": "cat", "name": "cat", "value": told, "app_id": "local"}
    ]
    (two,) = w.add(by_bytes("b", concepts=[{"id": "cat"}]))
    assert two["data"]["concepts"][0]["value"] == 1


def test_predicted_concepts_and_exif_never_stand_in_an_input(w: Wire) -> None:
    (one,) = w.add(by_bytes("a"))
    assert set(one["data"]) == {"image"}
    assert w.search({"output": {"data": {"concepts": [{"name": "red"}]}}})[0]["input"] == one


@pytest.mark.parametrize("id", (None, "", "   "))
def test_no_id_makes_one(w: Wire, id: str | None) -> None:
    (one,) = w.add({"id": id, "data": {"image": {"base64": b64(seeded(1))}}})
    assert len(one["id"]) == 32 and set(one["id"]) <= set("0123456789abcdef")


def test_bytes_arrive_dirty(w: Wire) -> None:
    clean = b64(seeded(1))
    lines = "\r\n".join(clean[n : n + 64] for n in range(0, len(clean), 64)) + "\r\n"
    urlsafe = base64.urlsafe_b64encode(seeded(1)).decode().rstrip("=")
    forms = [clean, lines, urlsafe, f"data:image/png;base64,{clean}", f"  {clean}\n"]
    added = w.add(*({"data": {"image": {"base64": form}}} for form in forms))
    (by_uri,) = w.add({"data": {"image": {"url": f"data:image/png;base64,{clean}"}}})
    digests = {w.library.get(one["id"]).digest for one in [*added, by_uri]}
    assert len(digests) == 1
    assert by_uri["data"]["image"]["url"] == f"{SERVER}/{by_uri['id']}.jpg"


def test_curl_lines_as_the_guide_prints_them(w: Wire) -> None:
    lines = base64.encodebytes(seeded(1))  # as the program base64 wraps them
    quoted = b'{"inputs":[{"data":{"image":{"base64":"' + lines + b'"}}}]}'
    assert w.answer("POST", "/v2/inputs", quoted).http == 200
    unquoted = b'{"inputs": [{"data": {"image": {\n"base64": ' + lines + b'" } } } ] }'
    assert w.answer("POST", "/v2/inputs", unquoted).http == 200
    assert w.ok("GET", "/v2/inputs/status")["counts"]["processed"] == 2


@pytest.mark.parametrize("form", ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF"))
def test_formats_of_the_era(w: Wire, form: str) -> None:
    w.add({"data": {"image": {"base64": b64(picture(COLOURS["red"], form=form))}}})


def test_the_answer_never_echoes_bytes_and_always_has_a_url(w: Wire) -> None:
    (one,) = w.add(by_bytes("a"))
    assert one["data"]["image"] == {"url": f"{SERVER}/a.jpg"}


def test_a_url_comes_back_letter_for_letter(w: Wire) -> None:
    w.url("a b.png", seeded(1))
    url = "HTTP://Pictures.TEST/p/a%20b.png?v=2&x=%C3%A9#top"
    (one,) = w.add(by_url(url, "a"))
    assert one["data"]["image"]["url"] == url
    assert w.ok("GET", "/v2/inputs/a")["input"]["data"]["image"]["url"] == url


def test_order_is_kept_and_128_are_the_most(w: Wire) -> None:
    w.url("a.png", seeded(1))
    items = [by_url(f"{w.url('a.png')}?{n}", f"id{n:03}") for n in range(128)]
    found = w.add(*items)
    assert [one["id"] for one in found] == [f"id{n:03}" for n in range(128)]
    golden("too_many", w.answer("POST", "/v2/inputs", {"inputs": [by_bytes("x")] * 129}))
    assert w.ok("GET", "/v2/inputs/status")["counts"]["processed"] == 128


@pytest.mark.parametrize("body", ({}, {"inputs": []}, {"inputs": None}, {"inputs": 3}, None))
def test_a_batch_has_items(w: Wire, body: object) -> None:
    assert w.fails(400, 11102, "POST", "/v2/inputs", body)["inputs"] == []


def test_one_object_is_a_list_of_it(w: Wire) -> None:
    assert len(w.ok("POST", "/v2/inputs", {"inputs": by_bytes("a")})["inputs"]) == 1


GOOD = b64(seeded(1))


def cropped(*sides: float) -> dict[str, Any]:
    return {"data": {"image": {"base64": GOOD, "crop": list(sides)}}}


def encoded(data: bytes) -> dict[str, Any]:
    return {"data": {"image": {"base64": b64(data)}}}


def at(url: Any) -> dict[str, Any]:
    return {"data": {"image": {"url": url}}}


BAD_ITEMS: dict[str, tuple[Any, int]] = {
    "no media": ({"id": "q", "data": {"image": {"url": None, "crop": None}}}, 30104),
    "empty image": ({"data": {"image": {}}}, 30104),
    "no image": ({"data": {}}, 30104),
    "no data": ({}, 30104),
    "null data": ({"data": None}, 30104),
    "video": ({"data": {"video": {"url": "http://x/v.mp4"}}}, 30104),
    "no url": (at("not a url"), 30106),
    "no host": (at("http:///a.jpg"), 30106),
    "ftp": (at("ftp://host/a.jpg"), 30106),
    "an object": (at({}), 30104),
    "unmapped": (at("http://elsewhere.test/a.jpg"), 30002),
    "not there": (at("http://pictures.test/p/none.jpg"), 30002),
    "no base64": ({"data": {"image": {"base64": "!!!"}}}, 30300),
    "no picture": (encoded(b"hello, this is no picture"), 30101),
    "cut short": (encoded(picture((1, 2, 3), form="JPEG")[:200]), 30300),
    "crop of three": (cropped(0, 0, 1), 30104),
    "crop upside down": (cropped(1, 0, 0, 1), 30104),
    "crop in percent": (cropped(0, 0, 50, 50), 30104),
    "bad geo": (by_bytes("x", geo={"geo_point": {"longitude": 0, "latitude": 91}}), 30104),
    "geo of text": (by_bytes("x", geo={"geo_point": {"longitude": "east"}}), 30104),
    "metadata of list": (by_bytes("x", metadata=[1]), 30104),
    "nameless concept": (by_bytes("x", concepts=[{"value": True}]), 30104),
    "concept of text": (by_bytes("x", concepts=["cat"]), 30104),
    "value of text": (by_bytes("x", concepts=[{"id": "cat", "value": "maybe"}]), 30104),
    "long id": (by_bytes("x" * 300), 30104),
    "id of object": ({"id": {}, "data": {"image": {"base64": GOOD}}}, 30104),
    "invisible id": (by_bytes("a\u0007b"), 30104),
}


@pytest.fixture(scope="module")
def shared_wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with wire(tmp_path_factory.mktemp("bad")) as made:
        yield made


@pytest.mark.parametrize("name", BAD_ITEMS)
def test_an_item_that_fails_tells_why_and_is_not_kept(shared_wire: Wire, name: str) -> None:
    item, code = BAD_ITEMS[name]
    found = shared_wire.fails(400, 10020, "POST", "/v2/inputs", {"inputs": [item]})
    (one,) = found["inputs"]
    assert one["status"]["code"] == code and one["status"]["details"]
    assert "details" not in found["status"]
    assert shared_wire.ok("GET", "/v2/inputs")["inputs"] == []
    assert [*shared_wire.library.inputs(removed=True)] == []
    if name in ("unmapped", "no media"):
        golden(f"add_{name.replace(' ', '_')}", found)


def test_some_good_some_bad_is_207(w: Wire) -> None:
    w.url("a.png", seeded(1))
    items = [
        by_url("http://elsewhere.test/1.png", "away"),
        by_url(w.url("a.png"), "good"),
        {"id": "broken", "data": {"image": {"base64": b64(b"x" * 50)}}},
        by_bytes("good too"),
        by_bytes("good"),
        by_url(w.url("a.png")),
    ]
    answer = w.answer("POST", "/v2/inputs", {"inputs": items})
    golden("add_mixed", answer)
    codes = [one["status"]["code"] for one in answer.body["inputs"]]
    assert codes == [30002, 30000, 30101, 30000, 40010, 30100]
    assert [one["id"] for one in w.ok("GET", "/v2/inputs")["inputs"]] == ["good", "good too"]


def test_the_same_url_is_a_duplicate_unless_it_may_be(w: Wire) -> None:
    url = w.url("a.png", seeded(1))
    w.add(by_url(url, "a"))
    w.fails(400, 10020, "POST", "/v2/inputs", {"inputs": [by_url(url, "b")]})
    item = {"id": "b", "data": {"image": {"url": url, "allow_duplicate_url": True}}}
    w.add(item)
    assert [w.library.get(id).digest for id in "ab"].count(w.library.get("a").digest) == 2
    item = {"id": "c", "data": {"image": {"url": url, "allow_duplicate_url": False}}}
    w.fails(400, 10020, "POST", "/v2/inputs", {"inputs": [item]})
    w.add(by_url(f"{url}?", "d"))  # letter for letter: another URL
    w.add(by_bytes("e"), by_bytes("f"))  # bytes are never duplicates


def test_a_crop_is_what_is_indexed(w: Wire) -> None:
    from PIL import Image

    half = Image.new("RGB", (64, 64), COLOURS["red"])
    half.paste(COLOURS["blue"], (32, 0, 64, 64))
    path = w.mirror / "half.png"
    half.save(path)
    image = {"url": w.url("half.png"), "crop": [0, 0.5, 1, 1]}
    (one,) = w.add({"id": "right", "data": {"image": image}})
    assert one["data"]["image"]["url"] == w.url("half.png")
    sent = {"base64": b64(path.read_bytes())}
    w.add({"id": "left", "data": {"image": {**sent, "crop": [0.0, 0, 1, 0.5]}}})
    w.add({"id": "whole", "data": {"image": {**sent, "crop": [0, 0, 1, 1]}}})
    blue = w.search({"output": {"data": {"concepts": [{"name": "sky blue"}]}}})
    assert blue[0]["input"]["id"] == "right"
    assert w.library.get("whole").width == 64 and w.library.get("left").width == 32


# -- looking and deleting ----------------------------------------------------------------------


def test_counts_are_four_numbers(w: Wire) -> None:
    w.add(by_bytes("a"))
    golden("counts", w.answer("GET", "/v2/inputs/status"))


def test_what_the_library_has_besides_is_shown_too(w: Wire, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    write_photo(photos / "a.png", 1)
    (photos / "broken.png").write_bytes(picture(COLOURS["red"])[:60])
    w.library.sync()
    listed = w.ok("GET", "/v2/inputs")["inputs"]
    assert sorted(one["status"]["code"] for one in listed) == [30000, 30300]
    assert w.ok("GET", "/v2/inputs/status")["counts"] == {
        "processed": 1,
        "to_process": 0,
        "errors": 1,
        "processing": 0,
    }
    broken = next(one for one in listed if one["status"]["code"] == 30300)
    body = {"query": {"ands": [{"output": {"input": {"id": broken["id"]}}}]}}
    w.fails(400, 43004, "POST", "/v2/searches", body)


def test_unknown_ids(w: Wire) -> None:
    golden("get_unknown", w.answer("GET", "/v2/inputs/none"))
    golden("delete_unknown", w.answer("DELETE", "/v2/inputs/none", b"null"))
    w.fails(404, 30102, "DELETE", "/v2/inputs", {"ids": ["x", "y"]})
    w.fails(400, 11102, "DELETE", "/v2/inputs", {})
    w.fails(400, 11102, "DELETE", "/v2/inputs", {"ids": []})
    w.fails(400, 11102, "DELETE", "/v2/inputs", {"delete_all": False})


def test_deleted_in_three_ways(w: Wire) -> None:
    url = w.url("a.png", seeded(1))
    w.add(by_url(url, "a"), *(by_bytes(id) for id in "bcdef"))
    w.ok("DELETE", "/v2/inputs/a", b"{}")
    w.ok("DELETE", "/v2/inputs", {"ids": ["b", "never was", "b"]})
    w.ok("DELETE", "/v2/inputs", {"inputs": [{"id": "c"}]})
    assert w.ids() == ["d", "e", "f"]
    w.fails(404, 30102, "GET", "/v2/inputs/a")
    w.fails(404, 30102, "DELETE", "/v2/inputs/a")
    assert [one.id for one in w.library.inputs(removed=True)] == ["a"]  # bytes are gone for good
    assert (w.mirror / "a.png").is_file()
    w.ok("DELETE", "/v2/inputs", {"delete_all": True})
    assert w.ids() == [] and w.ok("GET", "/v2/inputs")["inputs"] == []
    assert w.ok("GET", "/v2/inputs/status")["counts"]["processed"] == 0


@pytest.mark.parametrize("kind", ("bytes", "mapped", "folder", "moved"))
def test_a_deleted_id_can_be_added_again(w: Wire, tmp_path: Path, kind: str) -> None:
    url = w.url("a.png", seeded(1))
    if kind == "folder":
        path = write_photo(tmp_path / "photos" / "mine.png", 3)
        w.library.sync()
        w.library.update(w.library.find(path).id, new_id="a", tags={"old": True})  # type: ignore[union-attr]
    else:
        first = by_bytes("a") if kind == "bytes" else by_url(url, "a")
        first["data"] |= {"concepts": [{"id": "old"}], "metadata": {"old": 1}}
        w.add(first)
    w.ok("DELETE", "/v2/inputs/a")
    again = by_url(w.url("b.png", seeded(2)), "a") if kind == "moved" else by_url(url, "a")
    (one,) = w.add({**again, "data": {**again["data"], "concepts": [{"id": "new"}]}})
    assert one["id"] == "a" and [c["id"] for c in one["data"]["concepts"]] == ["new"]
    assert "metadata" not in one["data"]
    assert w.ids() == ["a"] and w.ids({"input": {"data": {"concepts": [{"id": "old"}]}}}) == []
    hidden = [one.path for one in w.library.inputs(removed=True)]
    assert len(hidden) == (1 if kind in ("folder", "moved") else 0)
    w.library.sync()
    assert w.ids() == ["a"]  # what was deleted in a folder does not come back


def test_a_deleted_url_can_be_added_again_without_its_id(w: Wire) -> None:
    url = w.url("a.png", seeded(1))
    w.add(by_url(url, "a", metadata={"k": 1}))
    w.ok("DELETE", "/v2/inputs/a")
    (one,) = w.add(by_url(url))
    assert one["data"] == {"image": {"url": url}}
    assert len([*w.library.inputs()]) == 1 and [*w.library.inputs(removed=True)] == []


# -- if anything goes wrong --------------------------------------------------------------------


def test_three_equal_posts_after_a_500_leave_no_duplicates(
    w: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = w.url("a.png", seeded(1))
    w.add(by_url(w.url("hidden.png", seeded(9)), "h", metadata={"k": 1}))
    w.ok("DELETE", "/v2/inputs/h")
    body = {
        "inputs": [
            by_url(url, "a"),
            by_bytes("b", concepts=[{"id": "c", "name": "C"}]),
            by_url(w.url("hidden.png"), "new"),
        ]
    }
    with monkeypatch.context() as patch:

        def breaks(*arguments: object, **options: object) -> None:
            raise RuntimeError("the disk went away")

        patch.setattr(ls.Library, "put_notes", breaks)
        for _ in range(3):
            found = w.fails(500, 99009, "POST", "/v2/inputs", body)
            assert found["inputs"] == []
            assert [*w.library.inputs()] == []
            (hidden,) = w.library.inputs(removed=True)
            assert hidden.id == "h" and hidden.metadata == {"k": 1}
    golden("internal", found)
    assert [one["id"] for one in w.add(*body["inputs"])] == ["a", "b", "new"]


def test_ids_are_taken_once_by_many_threads(w: Wire) -> None:
    w.url("a.png", seeded(1))
    codes: list[int] = []

    def post(n: int) -> None:
        answer = w.answer("POST", "/v2/inputs", {"inputs": [by_url(w.url("a.png"), f"id{n % 2}")]})
        codes.append(answer.body["inputs"][0]["status"]["code"])

    threads = [threading.Thread(target=post, args=(n,)) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert codes.count(30000) == 1 and set(codes) <= {30000, 30100, 40010}
