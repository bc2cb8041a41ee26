"""Pictures over HTTP: types, ranges, caching, names that cannot be guessed, and nothing else."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

import localsearch as ls
from localsearch.server import Keys, Settings
from localsearch.server.keys import ANYBODY
from localsearch.server.pictures import Addresses
from tests.make_library import write_photo
from tests.serving import Reply, Served, ask, filled, served

KEYS = Keys({"writer-key-1": True, "reader-key-2": False})


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ls.Library]:
    with filled(tmp_path_factory.mktemp("pictures") / "photos") as library:
        yield library


@pytest.fixture(scope="module")
def at(library: ls.Library) -> Iterator[Served]:
    with served(library) as found:
        yield found


def address(at: Served, id: str, **headers: str) -> str:
    data = ask(at.port, "GET", f"/v2/inputs/{id}", **headers).json["input"]["data"]
    url = str(data["image"]["url"])
    assert url.startswith(at.url)
    return urlsplit(url).path


def photo(library: ls.Library, number: int = 0) -> ls.Input:
    return sorted(library.inputs(), key=lambda one: one.row)[number]


def content(library: ls.Library, number: int = 0) -> bytes:
    path = photo(library, number).path
    assert path is not None
    return path.read_bytes()


def test_the_url_of_an_input_gives_its_very_bytes(at: Served, library: ls.Library) -> None:
    found = ask(at.port, "GET", address(at, photo(library).id))
    assert found.status == 200
    assert found.headers["content-type"] == "image/png"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.body == content(library)


def test_bytes_that_were_sent_come_back_as_they_were(at: Served, library: ls.Library) -> None:
    file = BytesIO()
    Image.new("RGB", (60, 40), (200, 30, 30)).save(file, "WEBP")
    encoded = base64.b64encode(file.getvalue()).decode()
    body = {"inputs": [{"id": "sent ü ..x", "data": {"image": {"base64": encoded}}}]}
    one = ask(at.port, "POST", "/v2/inputs", body).json["inputs"][0]
    found = ask(at.port, "GET", urlsplit(one["data"]["image"]["url"]).path)
    assert (found.status, found.headers["content-type"]) == (200, "image/webp")
    assert found.body == file.getvalue()
    assert ask(at.port, "DELETE", "/v2/inputs", {"ids": ["sent ü ..x"]}).code == 10000
    assert ask(at.port, "GET", urlsplit(one["data"]["image"]["url"]).path).status == 404


@pytest.mark.parametrize("id", [".", "..", "...", "a.b.c", "%2e%2e", "a%2Fb", "x\\y", "name?#&"])
def test_odd_ids_have_addresses_too(at: Served, library: ls.Library, id: str) -> None:
    library.add(data=content(library), id=id)
    try:
        one = next(each for each in library.inputs() if each.id == id)
        path = Addresses(Keys()).path_of(one, ANYBODY)
        assert not {".", ".."} & {*path.split("/")}  # what clients would fold
        found = ask(at.port, "GET", path)
        assert (found.status, found.body) == (200, content(library))
    finally:
        library.purge(id)


def test_thumbnails_are_small_jpegs(at: Served, library: ls.Library) -> None:
    path = address(at, photo(library).id).replace("/pictures/", "/thumbnails/")
    found = ask(at.port, "GET", path)
    assert (found.status, found.headers["content-type"]) == (200, "image/jpeg")
    assert Image.open(BytesIO(found.body)).format == "JPEG"


def part(at: Served, path: str, span: str, **more: str) -> Reply:
    return ask(at.port, "GET", path, Range=span, **more)


def test_ranges(at: Served, library: ls.Library) -> None:
    path, whole = address(at, photo(library).id), content(library)
    size = len(whole)
    for span, start, end in (
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, size),
        ("bytes=-50", size - 50, size),
        (f"bytes=10-{size * 9}", 10, size),
        (f"bytes=-{size * 2}", 0, size),
        ("BYTES = 5-5", 5, 6),
    ):
        found = part(at, path, span)
        assert (found.status, found.body) == (206, whole[start:end]), span
        assert found.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    for span in ("bytes=5-2", "bytes=a-b", "items=0-5", "bytes=0-1,4-5", "bytes=-", "0-5", ""):
        found = part(at, path, span)
        assert (found.status, found.body) == (200, whole), span
    for span in (f"bytes={size}-", f"bytes={size + 5}-{size + 9}", "bytes=-0"):
        found = part(at, path, span)
        assert (found.status, found.code) == (416, 11102)
        assert found.headers["content-range"] == f"bytes */{size}"


def test_caching(at: Served, library: ls.Library) -> None:
    path = address(at, photo(library).id)
    first = ask(at.port, "GET", path)
    tag, date = first.headers["etag"], first.headers["last-modified"]
    assert "private" in first.headers["cache-control"]
    for asked in (
        {"If_None_Match": tag},
        {"If_None_Match": f'"x", W/{tag}'},
        {"If_None_Match": "*"},
    ):
        found = ask(at.port, "GET", path, **asked)
        assert (found.status, found.body, found.headers["etag"]) == (304, b"", tag)
    assert ask(at.port, "GET", path, If_Modified_Since=date).status == 304
    assert ask(at.port, "GET", path, If_None_Match='"other"', If_Modified_Since=date).status == 200
    for wrong in ("yesterday", "Mon, 01 Jan 1990 00:00:00 GMT", ""):
        assert ask(at.port, "GET", path, If_Modified_Since=wrong).status == 200
    assert part(at, path, "bytes=0-9", If_Range=tag).status == 206
    assert part(at, path, "bytes=0-9", If_Range=date).status == 206
    assert part(at, path, "bytes=0-9", If_Range='"old"').status == 200
    head = ask(at.port, "HEAD", path)
    assert (head.status, head.headers["content-length"]) == (200, str(len(first.body)))


@pytest.mark.parametrize(
    "path",
    [
        "/pictures/",
        "/pictures/..",
        "/pictures/../../../etc/passwd",
        "/pictures/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/pictures/....//....//etc/passwd",
        "/pictures//etc/passwd",
        "/pictures/%00.jpg",
        "/pictures/C:%5CWindows%5Cwin.ini",
        "/pictures/file:%2f%2f%2fetc%2fpasswd.jpg",
        "/pictures/.jpg",
        "/pictures/%ff%fe.jpg",
        "/thumbnails/../catalog.sqlite",
        "/pictures/" + "a" * 5000,
    ],
)
def test_a_path_leads_to_no_file_but_an_inputs_picture(at: Served, path: str) -> None:
    found = ask(at.port, "GET", path)
    assert (found.status, found.code) == (404, 11101)


def test_pictures_are_only_read(at: Served, library: ls.Library) -> None:
    path = address(at, photo(library).id)
    for method in ("POST", "DELETE", "PUT", "PATCH"):
        found = ask(at.port, method, path)
        assert (found.status, found.code, found.headers["allow"]) == (
            405,
            11103,
            "GET, HEAD, OPTIONS",
        )


def test_what_is_no_photo_any_more_is_not_shown(library: ls.Library, at: Served) -> None:
    """The path of an input may come to hold anything, or lead elsewhere; then its thumbnail is
    shown."""
    path = photo(library, 5).path
    assert path is not None
    whole, target = path.read_bytes(), address(at, photo(library, 5).id)
    secret = path.parent.parent / "secret.txt"
    secret.write_text("secret " * 50, encoding="utf-8")
    try:
        path.write_text("secret " * 50, encoding="utf-8")
        assert_thumbnail(ask(at.port, "GET", target))
        path.unlink()
        assert_thumbnail(ask(at.port, "GET", target))
        if os.name != "nt":
            path.symlink_to(secret)
            assert_thumbnail(ask(at.port, "GET", target))
            path.unlink()
            os.mkfifo(path)
            assert_thumbnail(ask(at.port, "GET", target))
            path.unlink()
    finally:
        path.write_bytes(whole)


def assert_thumbnail(found: Reply) -> None:
    assert (found.status, found.headers["content-type"]) == (200, "image/jpeg")
    assert found.headers["cache-control"] == "no-store"
    assert b"secret" not in found.body


def test_removed_inputs_are_not_shown(library: ls.Library, at: Served) -> None:
    one = photo(library, 4)
    target = address(at, one.id)
    library.remove(one.id)
    assert ask(at.port, "GET", target).status == 404
    assert ask(at.port, "GET", target.replace("pictures", "thumbnails")).status == 404
    library.restore(one.id)
    assert ask(at.port, "GET", target).status == 200


def test_with_keys_an_address_cannot_be_guessed_and_needs_no_key(library: ls.Library) -> None:
    one = photo(library)
    reader, writer = ({"Authorization": f"Key {name}"} for name in ("reader-key-2", "writer-key-1"))
    with served(library, Settings(port=0, keys=KEYS)) as at:
        path = address(at, one.id, **reader)
        assert path != address(at, one.id, **writer)
        for good in (path, address(at, one.id, **writer), path.replace("pictures", "thumbnails")):
            assert ask(at.port, "GET", good).status == 200
        signature, name = path.split("/")[2:]
        other = photo(library, 1).id
        for bad in (
            f"/pictures/{name}",
            f"/pictures//{name}",
            f"/pictures/{signature[:-1]}/{name}",
            f"/pictures/{signature.upper()}/{name}",
            f"/pictures/{'0' * 32}/{name}",
            f"/pictures/{signature}/{other}.png",
            f"/pictures/{signature}/x/{name}",
            f"/pictures/é/{name}",
        ):
            found = ask(at.port, "GET", bad, **writer)
            assert (found.status, found.code) == (404, 11101), bad
    with served(library, Settings(port=0, keys=Keys({"reader-key-2": False}))) as at:
        assert ask(at.port, "GET", path).status == 200  # good as long as its key is
    with served(library, Settings(port=0, keys=Keys({"writer-key-1": True}))) as at:
        assert ask(at.port, "GET", path).status == 404


def test_public_urls_begin_as_they_were_told(library: ls.Library) -> None:
    settings = Settings(port=0, public_url="https://photos.home/search/")
    with served(library, settings) as at:
        found = ask(at.port, "GET", "/v2/inputs").json["inputs"][0]["data"]["image"]["url"]
        assert found.startswith("https://photos.home/search/pictures/")


def test_a_large_picture_is_sent_in_parts(library: ls.Library, at: Served, tmp_path: Path) -> None:
    path = write_photo(tmp_path / "large.bmp", 3)
    Image.effect_noise((1500, 1200), 90).convert("RGB").save(path, "BMP")
    library.add(path, id="large")
    found = ask(at.port, "GET", "/pictures/large.bmp")
    assert found.body == path.read_bytes() and len(found.body) > 5_000_000
    assert found.headers["content-type"] == "image/bmp"
    library.purge("large")
