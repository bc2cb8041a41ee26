"""What the face of the library is told by who starts a server: texts in, options out.

Reads and opens nothing; the function that fetches is chosen here, and used by `clarifai`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from localsearch import InputError
from localsearch.clarifai import FaceOptions
from localsearch.net import FetchLimits, fetch


def face_options(
    maps: Sequence[str] = (),
    *,
    concepts: Path | None = None,
    allow_urls: bool = False,
    allow_private_urls: bool = False,
    read_only: bool = False,
) -> FaceOptions:
    """Options of the face. `maps` are texts `URL_PREFIX=FOLDER`; raises InputError."""
    fetching: Callable[[str], bytes] | None = None
    if allow_urls or allow_private_urls:
        fetching = partial(fetch, limits=FetchLimits(private=allow_private_urls))
    return FaceOptions(
        url_map=tuple(map(_mapped, maps)), concepts=concepts, fetch=fetching, read_only=read_only
    )


def _mapped(text: str) -> tuple[str, Path]:
    """Split at the first `=` before a folder: a URL's path may hold one, a prefix hardly does."""
    prefix, mark, folder = text.partition("=")
    if not mark or "://" not in prefix or not folder:
        raise InputError(
            f"{text!r} maps nothing", hint="for example --map https://cdn.test/photos=/srv/photos"
        )
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise InputError(f"{path} is no folder", hint=f"it is what {prefix} is mapped to")
    return prefix, path.absolute()
