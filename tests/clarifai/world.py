"""A library with a face: a mirror of a picture host, calls read strictly, golden bodies."""

from __future__ import annotations

import base64
import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

import localsearch as ls
from localsearch.clarifai import Answer, Face, FaceOptions
from tests.clarifai import strict
from tests.make_library import open_library
from tests.tiny_pack import make_photo

HOST = "http://pictures.test/p"
SERVER = "http://127.0.0.1:8745/pictures"
GENERAL = "aaa03c23b3724a16a56b629203edc62c"
EMBEDDING = "bbb5f41425b8468d9b7a554ff10f8581"
GOLDEN = Path(__file__).parent / "golden"

COLOURS = {
    "red": (210, 40, 40),
    "green": (50, 170, 60),
    "blue": (40, 70, 210),
    "yellow": (230, 220, 60),
    "white": (245, 245, 245),
    "black": (15, 15, 15),
}


def picture(colour: tuple[int, int, int], *, form: str = "PNG", size: int = 48) -> bytes:
    """An encoded picture of one colour, a little uneven so that each has its own vector."""
    image = Image.new("RGB", (size, size), colour)
    image.paste((127, 127, 127), (0, 0, 6, 6))
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()


def seeded(seed: int) -> bytes:
    """An encoded picture that differs from those of all other seeds."""
    file = io.BytesIO()
    Image.fromarray(make_photo(seed, (40, 40))).save(file, "PNG")
    return file.getvalue()


def b64(data: bytes) -> str:
    """Clean standard base64."""
    return base64.b64encode(data).decode()


class Wire:
    """Calls a face as a client would, and reads each answer as the strictest client does."""

    def __init__(self, library: ls.Library, options: FaceOptions, mirror: Path) -> None:
        self.library, self.mirror = library, mirror
        self.face = Face(library, options)

    def answer(
        self, method: str, path: str, body: Any = None, query: str = "", **options: Any
    ) -> Answer:
        """One call; a body that is neither None nor bytes is sent as JSON."""
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        options.setdefault("picture_url", lambda one: f"{SERVER}/{one.id}.jpg")
        answer = self.face.call(method, path, query, raw, **options)
        strict.check(answer.http, answer.body)
        return answer

    def ok(self, method: str, path: str, body: Any = None, query: str = "") -> dict[str, Any]:
        """The body of a call that succeeds."""
        http, found = self.answer(method, path, body, query)
        assert http == 200, found
        return found

    def fails(
        self, http: int, code: int, method: str, path: str, body: Any = None, query: str = ""
    ) -> dict[str, Any]:
        """The body of a call that fails in this way."""
        found = self.answer(method, path, body, query)
        assert (found.http, found.body["status"]["code"]) == (http, code), found
        return found.body

    def add(self, *items: dict[str, Any]) -> list[dict[str, Any]]:
        """Add inputs; gives them as they were answered."""
        found: list[dict[str, Any]] = self.ok("POST", "/v2/inputs", {"inputs": list(items)})[
            "inputs"
        ]
        return found

    def search(self, *ands: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        """The hits of clauses."""
        body = {"query": {"ands": list(ands)}, **more}
        found: list[dict[str, Any]] = self.ok("POST", "/v2/searches", body)["hits"]
        return found

    def ids(self, *ands: dict[str, Any], **more: Any) -> list[str]:
        """The ids of the hits of clauses."""
        return [hit["input"]["id"] for hit in self.search(*ands, **more)]

    def url(self, name: str, data: bytes | None = None) -> str:
        """A URL of the mapped host; with `data` the mirror gets the file."""
        if data is not None:
            path = self.mirror / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return f"{HOST}/{name}"


@contextmanager
def wire(folder: Path, **options: Any) -> Iterator[Wire]:
    """A fresh library whose face maps a host to a folder."""
    mirror = folder / "mirror"
    mirror.mkdir(exist_ok=True)
    (folder / "photos").mkdir(exist_ok=True)
    options.setdefault("url_map", ((HOST, mirror),))
    with open_library(folder / "photos") as library:
        yield Wire(library, FaceOptions(**options), mirror)


def by_bytes(id: str, colour: str = "red", **data: Any) -> dict[str, Any]:
    """An item that brings its bytes."""
    return {"id": id, "data": {"image": {"base64": b64(picture(COLOURS[colour]))}, **data}}


def by_url(url: str, id: str | None = None, **data: Any) -> dict[str, Any]:
    """An item by URL."""
    return {"id": id, "data": {"image": {"url": url}, **data}}


RED = {"base64": b64(picture(COLOURS["red"]))}


def predict(
    w: Wire, image: dict[str, Any], model: str = GENERAL, **config: Any
) -> list[dict[str, Any]]:
    """The concepts that a model says of one picture."""
    body: dict[str, Any] = {"inputs": [{"data": {"image": image}}]}
    if config:
        body["model"] = {"output_info": {"output_config": config}}
    return list(w.ok("POST", f"/v2/models/{model}/outputs", body)["outputs"][0]["data"]["concepts"])


_ID = re.compile(r"\b[0-9a-f]{32}\b")
_TIME = re.compile(r"20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_PUBLIC = (
    GENERAL,
    EMBEDDING,
    "aa9ca48295b37401f8af92ad1af0d91d",
    "bb186755eda04f9cbb6fe32e816be104",
)


def golden(name: str, answer: Answer | dict[str, Any]) -> None:
    """Compare an answer with the kept one: ids that were made and times of today left out."""
    told = {"http": answer.http, "body": answer.body} if isinstance(answer, Answer) else answer
    text = json.dumps(_plain(told), indent=1, ensure_ascii=False, sort_keys=False) + "\n"
    path = GOLDEN / f"{name}.json"
    if os.environ.get("LOCALSEARCH_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert json.loads(text) == json.loads(path.read_text(encoding="utf-8"))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return round(value, 2)
    if isinstance(value, str) and value not in _PUBLIC:
        return _TIME.sub("<time>", _ID.sub("<id>", value))
    return value
