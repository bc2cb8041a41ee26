"""A live server over a real library with the tiny pack, and the pictures that programs name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from tests.make_library import open_library
from tests.tiny_pack import make_photo

SAMPLES = "https://samples.clarifai.com/"
ALLOWED = "http://page.example"  # whose pages may ask
RECORDED = "http://a/"  # where the recorded requests say that their pictures are
REPOSITORY = Path(__file__).resolve().parents[2]

# Pictures of the old documentation, and some of one colour each: name -> seed (see tiny_pack).
_MIRRORED = {
    "metro-north.jpg": 11,
    "wedding.jpg": 21,
    "puppy.jpg": 20,
    "dog.tiff": 32,
    "red.jpg": 0,
    "green.jpg": 3,
    "blue.jpg": 5,
    "white.jpg": 9,
    "1.jpg": 12,
    "2.jpg": 15,
}
_LOCAL = {"filename_on_local_disk.jpg": 4, "aa.jpg": 6}


class Served(NamedTuple):
    """Where the server listens, its store, its mirror of URLs, and a folder for programs."""

    url: str
    store: Path
    mirror: Path
    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        """An environment without what would lead clients elsewhere."""
        kept = {name: value for name, value in os.environ.items() if "PROXY" not in name.upper()}
        for name in ("CLARIFAI_API_KEY", "CLARIFAI_API_BASE", "LOCALSEARCH_LIBRARY"):
            kept.pop(name, None)
        return {**kept, "HOME": str(self.folder), "PYTHONPATH": str(REPOSITORY), **more}


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Served]:
    """A server on a free port, until the block ends."""
    photos, mirror, programs = (folder / name for name in ("photos", "mirror", "programs"))
    for place, seeds in ((photos, {}), (mirror, _MIRRORED), (programs, _LOCAL)):
        place.mkdir()
        for name, seed in seeds.items():
            Image.fromarray(make_photo(seed)).save(place / name, quality=92)
    with open_library(photos) as library:
        store = library.store
    command = [sys.executable, "-m", "localsearch", "serve", "--library", str(store)]
    command += ["--port", "0", "--ready", "--with-parent", *options]
    command += ["--allow-origin", ALLOWED]
    command += ["--map", f"{SAMPLES}={mirror}", "--map", f"{RECORDED}={mirror}"]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "LOCALSEARCH_KEY": ""},
        )
        assert process.stdout is not None and process.stdin is not None
        try:
            ready = json.loads(process.stdout.readline())
            yield Served(ready["url"], store, mirror, programs)
        finally:
            process.stdin.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
    told = (folder / "serve.log").read_text(encoding="utf-8", errors="replace")
    assert "Traceback" not in told, told
