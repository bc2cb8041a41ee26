"""Apps of the old Python client over a library with the tiny pack, and pictures for them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image

from localsearch.rest import ClarifaiApp
from localsearch.rest.reply import Reply
from localsearch.rest.transport import Transport
from tests.make_library import open_library, write_photo
from tests.tiny_pack import make_photo

RED, YELLOW, GREEN, BLUE, BROWN, WHITE = 0, 2, 3, 5, 8, 9  # seeds of pictures of that colour
SAMPLES = "https://samples.example/"
"""The prefix of URLs whose pictures lie in the folder `mirror` below the test's folder."""


def png(seed: int) -> bytes:
    """A small encoded picture; its main colour is told by the seed."""
    file = io.BytesIO()
    Image.fromarray(make_photo(seed, (64, 48))).save(file, format="PNG")
    return file.getvalue()


def mirror(folder: Path, **seeds: int) -> Path:
    """A folder of pictures that URLs below SAMPLES stand for."""
    place = folder / "mirror"
    place.mkdir(exist_ok=True)
    for name, seed in seeds.items():
        write_photo(place / f"{name}.png", seed)
    return place


def app_in(folder: Path, **options: Any) -> ClarifaiApp:
    """An app over a new library in `folder`."""
    return ClarifaiApp(library=open_library(folder), **options)


class Listening:
    """A transport that notes what passes through it to another one."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self.heard: list[tuple[str, str, Any]] = []

    def hint_of(self, reply: Reply) -> str:
        return self.inner.hint_of(reply)

    def send(self, method: str, path: str, query: str, body: dict[str, Any] | None) -> Reply:
        self.heard.append((method, f"{path}?{query}" if query else path, body))
        return self.inner.send(method, path, query, body)


def listen(app: ClarifaiApp) -> list[tuple[str, str, Any]]:
    """The calls that an app makes from now on: method, path with query, body."""
    listening = Listening(app.api.transport)
    app.api.transport = listening
    return listening.heard
