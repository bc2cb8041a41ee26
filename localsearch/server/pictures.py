"""Pictures over HTTP: their addresses, and the answers with type, validators and ranges.

`/pictures/ID.EXT` is the photo as it is, `/thumbnails/ID.jpg` a small JPEG. With keys a signature
stands before the id, which only who knows a key can make: pages show pictures without sending one.
A key that is taken away takes its addresses along. Touches the library by `original` alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from urllib.parse import quote, unquote

import localsearch as ls
from localsearch.server.keys import ANYBODY, Key, Keys
from localsearch.server.messages import FilePart, Head, Response

PICTURES, THUMBNAILS = "/pictures/", "/thumbnails/"
_SUFFIXES = {"JPEG": "jpg", "TIFF": "tif", "HEIF": "heic", "JPEG2000": "jp2"}
_OTHER = "jpg"  # of a format without a word of its own; the type tells what it is
_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE)
_TAGS = re.compile(r'(?:W/)?"([^"]*)"')
_CACHE = "private, max-age=300"
# What a browser does with a picture that is opened as a page: show it, run nothing.
_HARMLESS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; img-src 'self'; sandbox"),
)

Refuse = Callable[[str, str], Response]
"""Makes the answer to a refusal, by its word and the cause."""


@dataclass(frozen=True, slots=True)
class Named:
    """Which picture a path means."""

    id: str
    thumbnail: bool


class Addresses:
    """The paths of pictures, each good for who got it."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def path_of(self, one: ls.Input, key: Key, *, thumbnail: bool = False) -> str:
        """The path under which the picture of an input is served."""
        front = THUMBNAILS if thumbnail else PICTURES
        signature = "" if key is ANYBODY else f"{key.signature(one.id)}/"
        return f"{front}{signature}{quote(one.id, safe='')}.{suffix_of(one, thumbnail=thumbnail)}"

    def named(self, path: str) -> Named | None:
        """The picture of a path; None if there is none, or it was not signed."""
        for front in (PICTURES, THUMBNAILS):
            if path.startswith(front):
                parts = path.removeprefix(front).split("/")
                break
        else:
            return None
        if len(parts) != (2 if self._keys else 1):
            return None
        name, dot, _ = parts[-1].rpartition(".")
        id_ = unquote(name if dot else parts[-1], errors="replace")
        if not id_ or not self._keys.signed(id_, parts[0]):
            return None
        return Named(id_, front == THUMBNAILS)


def suffix_of(one: ls.Input, *, thumbnail: bool) -> str:
    """What the name ends with: some old programs look at nothing else."""
    if thumbnail or one.format is None:
        return _OTHER
    suffix = _SUFFIXES.get(one.format, one.format.lower())
    return suffix if suffix.isalnum() else _OTHER


def answer(library: ls.Library, named: Named, head: Head, refuse: Refuse) -> Response:
    """The picture, or the part of it that was asked for."""
    if head.method not in ("GET", "HEAD"):
        response = refuse("wrong-method", "pictures are read by GET")
        return response.with_headers(("Allow", "GET, HEAD, OPTIONS"))
    try:
        found = library.original(named.id, thumbnail=named.thumbnail)
    except (ls.LibraryMissing, ls.PictureError) as fault:
        return refuse("unknown-path", str(fault))
    headers = _headers(found)
    if _unchanged(head, found):
        return Response(304, b"", headers, found.media_type)
    wanted = head.headers.get("range", "")
    span = _span(wanted, found.size) if _range_holds(head, found) else None
    if span is None:
        return Response(200, _bytes(found, 0, found.size), headers, found.media_type)
    start, length = span
    if not length:
        told = refuse("no-such-range", f"the picture has {found.size:,} bytes")
        return told.with_headers(("Content-Range", f"bytes */{found.size}"))
    content_range = f"bytes {start}-{start + length - 1}/{found.size}"
    body = _bytes(found, start, length)
    return Response(206, body, (*headers, ("Content-Range", content_range)), found.media_type)


def _bytes(found: ls.Original, start: int, length: int) -> bytes | FilePart:
    if found.path is not None:
        return FilePart(found.path, start, length)
    return (found.data or b"")[start : start + length]


def _headers(found: ls.Original) -> tuple[tuple[str, str], ...]:
    # A thumbnail that stands in for a photo is not to be kept: the drive may come back.
    headers = [
        ("ETag", f'"{found.tag}"'),
        ("Cache-Control", "no-store" if found.substitute else _CACHE),
        ("Accept-Ranges", "bytes"),
        *_HARMLESS,
    ]
    if found.modified_ns is not None:
        headers.append(("Last-Modified", formatdate(found.modified_ns // 10**9, usegmt=True)))
    return tuple(headers)


def _unchanged(head: Head, found: ls.Original) -> bool:
    """Whether the client has these very bytes already."""
    tags = head.headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or found.tag in _TAGS.findall(tags)
    since = head.headers.get("if-modified-since")
    return since is not None and found.modified_ns is not None and _not_after(found, since)


def _not_after(found: ls.Original, since: str) -> bool:
    try:
        seconds = parsedate_to_datetime(since).timestamp()
    except (ValueError, OverflowError, OSError):
        return False
    return (found.modified_ns or 0) // 10**9 <= seconds


def _range_holds(head: Head, found: ls.Original) -> bool:
    """Whether a range is of the bytes that are here now."""
    only_if = head.headers.get("if-range")
    if only_if is None:
        return True
    if only_if.startswith('"'):
        return only_if == f'"{found.tag}"'
    modified = found.modified_ns
    return modified is not None and only_if == formatdate(modified // 10**9, usegmt=True)


def _span(wanted: str, size: int) -> tuple[int, int] | None:
    """Start and length of one range; length 0: it lies outside. None: send all.

    Several ranges in one request may be answered by all of it, and are.
    """
    found = _RANGE.fullmatch(wanted)
    if found is None or not (found[1] or found[2]) or max(map(len, found.groups())) > 18:
        return None
    if not found[1]:
        length = min(int(found[2]), size)
        return size - length, length
    start = int(found[1])
    end = min(int(found[2]), size - 1) if found[2] else size - 1
    if found[2] and int(found[2]) < start:
        return None
    return start, max(end - start + 1, 0)
