"""URLs without a network: mapped prefixes, files of named folders, own pictures; and fetching."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import localsearch as ls
from localsearch.clarifai import Face, FaceOptions, fetching
from tests.clarifai.world import HOST, SERVER, Wire, by_bytes, by_url, golden, seeded, wire
from tests.make_library import counts, open_library, write_photo


@pytest.fixture
def w(tmp_path: Path) -> Iterator[Wire]:
    with wire(tmp_path) as made:
        yield made


def code_of(w: Wire, url: str) -> int:
    """The status of an item that is added by a URL alone."""
    answer = w.answer("POST", "/v2/inputs", {"inputs": [by_url(url)]})
    return int(answer.body["inputs"][0]["status"]["code"])


def visual(url: str) -> dict[str, Any]:
    return {"output": {"input": {"data": {"image": {"url": url}}}}}


# -- mapped prefixes ---------------------------------------------------------------------------


def test_a_mapped_url_is_an_input_whose_path_is_the_file(w: Wire) -> None:
    w.add(by_url(w.url("sub/a.png", seeded(1)), "a"))
    one = w.library.get("a")
    assert one.path == w.mirror / "sub" / "a.png" and one.source_url == f"{HOST}/sub/a.png"


def test_the_mapped_folder_is_a_root_that_sync_leaves_alone(w: Wire) -> None:
    w.add(by_url(w.url("a.png", seeded(1)), "a"))
    w.url("b.png", seeded(2))
    assert "mirror" in [root.name for root in w.library.roots()]
    report = w.library.sync()
    assert counts(report).get("added", 0) == 0
    assert w.ids() == ["a"] and w.library.get("a").state == "ok"
    Face(w.library, FaceOptions(url_map=((HOST, w.mirror),)))  # once more: no second root
    assert len(w.library.roots()) == 2


@pytest.mark.parametrize(
    ("url", "code"),
    (
        (f"{HOST}/a.png", 30000),
        (f"{HOST}/./a.png", 30000),
        (f"{HOST}//a.png", 30000),
        (f"{HOST}/a.png?size=big#here", 30000),
        ("http://PICTURES.test/p/a.png", 30000),
        ("HTTP://pictures.test/p/with%20blank/%C5%BC%C3%B3%C5%82w.png", 30000),
        (f"{HOST}/A.PNG", 30002),
        (f"{HOST}", 30002),
        (f"{HOST}/", 30106),
        (f"{HOST}x/a.png", 30002),
        ("https://pictures.test/p/a.png", 30002),
        (f"{HOST}/../secret.png", 30106),
        (f"{HOST}/%2e%2e/secret.png", 30106),
        (f"{HOST}/sub/..%2f..%2fsecret.png", 30106),
        (f"{HOST}/%2Fetc/passwd", 30002),
        (f"{HOST}/a.png%00.jpg", 30106),
        (f"{HOST}/link.png", 30002),
        (f"{HOST}/linked/secret.png", 30002),
        (f"{HOST}/with%20blank", 30002),
    ),
)
def test_a_path_below_a_prefix(w: Wire, tmp_path: Path, url: str, code: int) -> None:
    w.url("a.png", seeded(1))
    w.url("with blank/żółw.png", seeded(2))
    (tmp_path / "out").mkdir()
    for place in (tmp_path / "secret.png", tmp_path / "out" / "secret.png"):
        place.write_bytes(seeded(3))
    (w.mirror / "link.png").symlink_to(tmp_path / "secret.png")
    (w.mirror / "linked").symlink_to(tmp_path / "out")
    assert code_of(w, url) == code


def test_prefixes_with_a_slash_and_several(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("two", 2)):
        write_photo(tmp_path / name / "a.png", seed)
    pairs = (("https://cdn.test/x/", tmp_path / "one"), ("cdn.other/", tmp_path / "two"))
    with wire(tmp_path, url_map=pairs) as w:
        assert code_of(w, "https://cdn.test/x/a.png") == 30000
        assert code_of(w, "cdn.other/a.png") == 30000
        assert len(w.ids()) == 2


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with open_library(tmp_path / "photos") as library, pytest.raises(ls.LibraryMissing):
        Face(library, FaceOptions(url_map=((HOST, tmp_path / "none"),)))


def test_a_file_that_a_root_holds_already_is_the_same_input(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    path = write_photo(photos / "cdn" / "a.png", 1)
    with wire(tmp_path, url_map=((HOST, photos / "cdn"),)) as w:
        assert [root.name for root in w.library.roots()] == ["photos"]
        w.library.sync()
        found = w.library.find(path)
        assert found is not None
        w.library.tag(found.id, "by hand")
        (one,) = w.add(by_url(f"{HOST}/a.png", "mine", concepts=[{"id": "cat"}]))
        assert one["id"] == "mine" and one["data"]["image"]["url"] == f"{HOST}/a.png"
        assert {c["id"] for c in one["data"]["concepts"]} == {"by hand", "cat"}
        assert w.ids() == ["mine"] and counts(w.library.sync()) == {"unchanged": 1}
        assert code_of(w, f"{HOST}/a.png") == 30100
        w.add(by_url(f"{HOST}/a.png?other", "other"))  # another URL: another input of these bytes
        assert w.library.get("other").path is None and w.library.get("mine").path == path


def test_files_of_the_folders_that_were_named_and_no_others(w: Wire, tmp_path: Path) -> None:
    inside = write_photo(tmp_path / "photos" / "in side.png", 1)
    outside = write_photo(tmp_path / "outside.png", 2)
    (tmp_path / "photos" / "link.png").symlink_to(outside)
    assert code_of(w, inside.as_uri()) == 30000
    assert w.ids({"input": {"data": {"image": {"url": inside.as_uri()}}}}) == w.ids()
    assert code_of(w, str(write_photo(tmp_path / "photos" / "plain.png", 3))) == 30000
    assert code_of(w, f"file://localhost{write_photo(tmp_path / 'photos' / 'b.png', 4)}") == 30000
    mirrored = w.mirror / "c.png"
    mirrored.write_bytes(seeded(5))
    assert code_of(w, mirrored.as_uri()) == 30000
    refused = [
        outside.as_uri(),
        str(outside),
        "file:///etc/passwd",
        "/etc/passwd",
        (tmp_path / "photos" / "link.png").as_uri(),
        (tmp_path / "photos" / "none.png").as_uri(),
        f"{(tmp_path / 'photos').as_uri()}/../outside.png",
    ]
    assert [code_of(w, url) for url in refused] == [30002] * len(refused)
    assert [code_of(w, url) for url in ("file://host/a.png", "file:a.png", "a.png", "")] == [
        30106,
        30106,
        30106,
        30104,
    ]


def test_a_url_of_this_server_is_the_picture_that_it_shows(w: Wire) -> None:
    w.add(by_bytes("a b"), by_bytes("ż", "blue"))
    for id in ("a b", "ż"):
        url = f"{SERVER}/{id}.jpg"
        assert w.ids(visual(url))[0] == id
        assert w.ids({"input": {"data": {"image": {"url": url}}}}) == [id]
    w.fails(400, 30002, "POST", "/v2/searches", {"query": {"ands": [visual(f"{SERVER}/none.jpg")]}})


# -- fetching ----------------------------------------------------------------------------------


def test_one_log_line_for_a_batch_that_is_not_fetched(
    w: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    urls = [by_url(f"http://elsewhere.test/{n}.png") for n in range(5)]
    found = w.fails(400, 10020, "POST", "/v2/inputs", {"inputs": urls})
    assert all("--map" in one["status"]["details"] for one in found["inputs"])
    assert all("--allow-urls" in one["status"]["details"] for one in found["inputs"])
    lines = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(lines) == 1 and "elsewhere" not in lines[0].getMessage()


class Web:
    """A web of pictures; some answer late, some never."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gate = threading.Event()

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if "slow" in url:
            assert self.gate.wait(30)
        if "bad" in url:
            raise ls.InputError("the server answered 404", hint="look at the URL")
        return b"<html>" if "html" in url else seeded(int(url.rpartition("/")[2].split(".")[0]))


def test_allowed_urls_are_fetched_once(tmp_path: Path) -> None:
    web = Web()
    with wire(tmp_path, fetch=web.fetch) as w:
        body = [
            by_url("http://web.test/1.png", "a"),
            by_url("http://web.test/bad/2.png", "b"),
            by_url("http://web.test/html/3", "c"),
            by_url("http://web.test/4.png", "d"),
        ]
        golden("fetched", w.answer("POST", "/v2/inputs", {"inputs": body}))
        assert w.ids() == ["a", "d"] and len(web.asked) == 4
        assert code_of(w, "http://web.test/1.png") == 30100 and len(web.asked) == 4
        assert w.ids(visual("http://web.test/1.png"))[0] == "a" and len(web.asked) == 4
        assert w.ids(visual("http://web.test/1.png?new"))[0] == "a" or len(web.asked) == 5
        w.fails(
            400,
            30002,
            "POST",
            "/v2/searches",
            {"query": {"ands": [visual("http://web.test/bad/9")]}},
        )
        w.ok("DELETE", "/v2/inputs/a")
        (again,) = w.add(by_url("http://web.test/1.png", "a"))
        assert again["id"] == "a" and [*w.library.inputs(removed=True)] == []


def test_a_slow_fetch_is_pending_and_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PATIENCE_SECONDS", 0.2)
    web = Web()
    with wire(tmp_path, fetch=web.fetch) as w:
        body = [
            by_url("http://web.test/1.png", "now"),
            by_url("http://web.test/slow/2.png", "later"),
            by_url("http://web.test/slow/bad/3.png", "never"),
            by_url("http://web.test/slow/4.png", "gone"),
        ]
        answer = w.answer("POST", "/v2/inputs", {"inputs": body})
        golden("pending", answer)
        assert w.ok("GET", "/v2/inputs/status")["counts"]["to_process"] == 3
        assert w.ok("GET", "/v2/inputs/later")["input"]["status"]["code"] == 30001
        assert code_of(w, "http://web.test/slow/2.png") == 30100
        taken = w.answer("POST", "/v2/inputs", {"inputs": [by_bytes("later")]})
        assert taken.body["inputs"][0]["status"]["code"] == 40010
        query = {"query": {"ands": [{"output": {"input": {"id": "later"}}}]}}
        w.fails(400, 43004, "POST", "/v2/searches", query)
        w.ok("DELETE", "/v2/inputs/gone")
        web.gate.set()
        deadline = time.monotonic() + 30
        while (
            w.ok("GET", "/v2/inputs/status")["counts"]["to_process"] and time.monotonic() < deadline
        ):
            time.sleep(0.05)
        assert {*w.ids()} == {"now", "later"}
        assert w.ok("GET", "/v2/inputs/later")["input"]["status"]["code"] == 30000
        failed = w.ok("GET", "/v2/inputs/never")["input"]
        assert failed["status"]["code"] == 30002 and "404" in failed["status"]["details"]
        assert w.ok("GET", "/v2/inputs/status")["counts"]["errors"] == 1
        w.fails(404, 30102, "GET", "/v2/inputs/gone")
        w.add(by_bytes("never"))  # a failure holds no id
