"""The picture that an item means: bytes, a file, an input of the library, or a URL to be fetched.

Old programs name pictures by URL. Without a network a URL is found in four ways: it is what an
input was added by; it is a picture of this very server; it lies below a mapped prefix; it is a
file below a folder that the user named. Only then it is fetched, if that is allowed.

Never reads a file outside the folders that were named, whatever the path says, links included.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import localsearch as ls
from localsearch.clarifai.answer import (
    BAD_INPUT,
    BAD_URL,
    DOWNLOAD_FAILED,
    UNDECODABLE,
    Fault,
    Json,
)
from localsearch.clarifai.reading import flag_of, list_of, number_of, text_of
from localsearch.clarifai.room import FaceOptions, Request, Room
from localsearch.deferred import NamedTuple
from localsearch.log import logger
from localsearch.sources.forms import from_base64

Region = tuple[float, float, float, float]

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NO_MEDIA: Final = "an item has data.image with a url or base64"
_TWO_WAYS: Final = (
    "this server fetches nothing. Either map the URL's prefix to a folder that holds its files"
    " (--map URL_PREFIX=FOLDER), or allow fetching (--allow-urls)"
)


class Media(NamedTuple):
    """One picture: `data`, `path` or `id` is set, or none of them where `url` must be fetched.

    `url` is what the client sent, letter for letter; "" where it sent bytes.
    """

    url: str = ""
    data: bytes | None = None
    path: Path | None = None
    id: str | None = None
    region: Region | None = None
    allow_duplicate: bool = False


def image_of(data: Json) -> Json:
    """The `image` of an item's data. Fault 30104 for none, and for videos."""
    image = data.get("image")
    if image is None and data.get("video"):
        raise Fault(BAD_INPUT, "videos are not offered by this server")
    if not isinstance(image, dict):
        raise Fault(BAD_INPUT, _NO_MEDIA)
    return image


def media_of(request: Request, image: Json, code: int = BAD_INPUT) -> Media:
    """What an image object means; a URL that nothing here knows is left to be fetched."""
    region = region_of(image.get("crop"), code)
    duplicate = flag_of(image.get("allow_duplicate_url"))
    url = text_of(image.get("url"), "image.url", code)
    encoded = text_of(image.get("base64"), "image.base64", code)
    if encoded or url[:5].lower() == "data:":
        told = "" if url[:5].lower() == "data:" else url
        return Media(told, _bytes_of(encoded or url), region=region, allow_duplicate=duplicate)
    if not url:
        raise Fault(code, _NO_MEDIA)
    return Media(url, path=path_of_url(request.room, url), region=region, allow_duplicate=duplicate)


def region_of(crop: Any, code: int) -> Region | None:
    """A crop [top, left, bottom, right] as the library's region; None for the whole picture."""
    sides = list_of(crop, "image.crop", code)
    if not sides:
        return None
    numbers = [number_of(each, "each side of image.crop", code) for each in sides]
    if len(numbers) != 4 or any(each is None or not 0 <= each <= 1 for each in numbers):
        raise Fault(code, "image.crop is [top, left, bottom, right], four fractions from 0 to 1")
    top, left, bottom, right = (each or 0.0 for each in numbers)
    if not (top < bottom and left < right):
        raise Fault(code, "image.crop is [top, left, bottom, right], top above bottom, left first")
    whole = (left, top, right, bottom) == (0, 0, 1, 1)
    return None if whole else (left, top, right, bottom)


def _bytes_of(encoded: str) -> bytes:
    try:
        return from_base64(encoded)
    except ls.InputError as error:
        raise Fault(UNDECODABLE, error.message) from error


def path_of_url(room: Room, url: str) -> Path | None:
    """The file that a URL is: below a mapped prefix, or a file below a folder that was named.

    None: a web URL that is no file here. Faults: 30106 for what is no URL, 30002 for a file that
    may not be read or is not there.
    """
    for prefix, folder in room.options.url_map:
        rest = _below(url, prefix)
        if rest is not None:
            return _checked(folder, unquote(rest), url)
    scheme = _SCHEME.match(url)
    if scheme is not None and scheme[0].lower() in ("http:", "https:"):
        if not _host_of(url):
            raise Fault(BAD_URL, f"this is no URL: {url[:80]}")
        return None
    path = _named_path(url)
    if path is None:
        raise Fault(BAD_URL, f"this is no URL of a picture: {url[:80]}")
    folders = [root.path for root in room.library.roots() if root.online]
    folders += [folder for _, folder in room.options.url_map]
    for folder in folders:
        if _is_inside(path, folder):
            return _there(path)
    raise Fault(
        DOWNLOAD_FAILED,
        "files are read below the photo folders of this library only, and below mapped folders"
        " (--map URL_PREFIX=FOLDER)",
    )


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _below(url: str, prefix: str) -> str | None:
    """What follows a prefix, without query and fragment; None where it is another place.

    Scheme and host are the same in capitals. A prefix ends at a slash, so `/a` is not in `/ab`.
    """
    wanted, given = _plain(prefix).rstrip("/"), _plain(url)
    if not given.startswith(f"{wanted}/"):
        return None
    return given[len(wanted) + 1 :].split("?")[0].split("#")[0]


def _plain(url: str) -> str:
    head, mark, rest = url.partition("://")
    if not mark:
        return url
    host, slash, path = rest.partition("/")
    return f"{head.lower()}://{host.lower()}{slash}{path}"


def _checked(folder: Path, relative: str, url: str) -> Path:
    """A file below a folder; nothing that leads out of it, also by links."""
    parts = [each for each in relative.split("/") if each not in ("", ".")]
    odd = any(each == ".." or "\0" in each or _is_of_windows(each) for each in parts)
    if odd or not parts:
        raise Fault(BAD_URL, f"no file can be at {url[:80]}")
    path = folder.absolute().joinpath(*parts)
    if not _is_inside(path, folder):
        raise Fault(DOWNLOAD_FAILED, "this leads out of the mapped folder")
    return _there(path)


def _is_of_windows(part: str) -> bool:
    """Whether it would lead to another folder or drive on that system."""
    return os.name == "nt" and ("\\" in part or ":" in part)


def _named_path(url: str) -> Path | None:
    """The path of a `file:` URL, or of a plain absolute path."""
    if "\0" in url:
        return None
    if url[:5].lower() == "file:":
        rest = url[5:]
        if rest.startswith("//"):
            host, slash, rest = rest[2:].partition("/")
            if host.lower() not in ("", "localhost"):
                return None
            rest = slash + rest
        rest = unquote(rest)
        if os.name == "nt":
            rest = rest.lstrip("/")
        return Path(rest) if "\0" not in rest and Path(rest).is_absolute() else None
    path = Path(url)
    return path if path.is_absolute() else None


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether a path lies in a folder, links followed on both sides."""
    with suppress(OSError, ValueError, RuntimeError):
        return path.resolve().is_relative_to(folder.resolve())
    return False


def _there(path: Path) -> Path:
    with suppress(OSError, ValueError):
        if path.is_file():
            return path
    raise Fault(DOWNLOAD_FAILED, "there is no such file in the folder that this URL is mapped to")


def own_picture(request: Request, url: str) -> ls.Input | None:
    """The input whose picture this server itself shows at a URL; programs ask with what they got.

    Its id, as any server of pictures has it somewhere in the path, only proposes; whether it is
    the very URL is what `picture_url` says.
    """
    for id in _ids_in(url):
        for one in request.library.get_many([id]):
            if not one.removed and one.source_url is None and request.picture_url(one) == url:
                return one
    path = _named_path(url) if url[:5].lower() == "file:" else None
    found = request.library.find(path) if path is not None else None
    return found if found is not None and not found.removed else None


def _ids_in(url: str) -> Iterator[str]:
    with suppress(ValueError):
        for part in reversed(urlsplit(url).path.split("/")):
            if part:
                yield from dict.fromkeys((unquote(part), unquote(part.rpartition(".")[0])))


def not_fetched() -> Fault:
    """Fault 30002 for a URL that is nowhere here, with the two ways out; and one log line."""
    logger().warning("a picture by URL was refused: neither mapped to a folder nor allowed")
    return Fault(DOWNLOAD_FAILED, _TWO_WAYS)


def fetched(room: Room, url: str) -> bytes:
    """The bytes behind a URL. Fault 30002 with the two ways out, or with what the fetch says."""
    if room.options.fetch is None:
        raise not_fetched()
    try:
        return room.options.fetch(url)
    except ls.LocalsearchError as error:
        raise Fault(DOWNLOAD_FAILED, str(error)) from error


def name_mapped_folders(library: ls.Library, options: FaceOptions) -> None:
    """Make each mapped folder a root that sync leaves alone, unless it lies in one already."""
    for prefix, folder in options.url_map:
        if not folder.is_dir():
            raise ls.LibraryMissing(
                f"there is no folder {folder}", hint=f"it is what {prefix} is mapped to"
            )
        inside = any(_is_inside(folder, root.path) for root in library.roots())
        if inside or library.read_only or options.read_only:
            continue
        with suppress(ls.InputError):  # it holds a root: its other files are single files
            library.add_root(folder, ignore="*")
