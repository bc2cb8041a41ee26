"""Which library, or which server, the old client's constructor means. Opens it, or makes one.

A library that is named goes before a server, and a server before libraries that are looked for:
so a program that says nothing searches on this machine, without a key and without a network.
`~/.clarifai/config` is never read: it names a service that is no more.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import localsearch as ls
from localsearch.rest.errors import UserError
from localsearch.rest.transport import InProcess, Transport

if TYPE_CHECKING:
    from localsearch import Library

AnyPath = str | os.PathLike[str]
UrlMap = Mapping[str, AnyPath] | Iterable[tuple[str, AnyPath]] | None
"""URL prefixes and the folders where their pictures lie: such URLs are never fetched."""

LIBRARY_VARIABLE = "LOCALSEARCH_LIBRARY"
SERVER_VARIABLE = "CLARIFAI_API_BASE"
URL_MAP_VARIABLE = "LOCALSEARCH_URL_MAP"
"""Lines of URL_PREFIX=FOLDER, for programs that are not to be changed further than their import."""

_IN_PROCESS = "localsearch:"  # what stands for the base URL where there is none


class Opened(NamedTuple):
    """Where calls go; `library` is None for a server."""

    transport: Transport
    library: Library | None
    base_url: str


def opened(
    library: Library | AnyPath | None,
    base_url: str | None,
    api_key: str | None,
    url_map: UrlMap,
    allow_urls: bool,
) -> Opened:
    """Open what is meant. Raises UserError, and what `localsearch.open` raises."""
    server = base_url or os.environ.get(SERVER_VARIABLE)
    if library is None and server:
        if url_map or allow_urls:
            raise UserError(
                "url_map and allow_urls are for a library, not for a server",
                hint="start the server with --map URL_PREFIX=FOLDER, or --allow-urls",
            )
        return _of_server(server, api_key)
    return _of_library(_library(library), _pairs(url_map), allow_urls)


def _of_server(base_url: str, api_key: str | None) -> Opened:
    from localsearch.rest.http import Http  # a socket is for those who asked for one

    http = Http(base_url, api_key)
    return Opened(http, None, http.base_url)


def _of_library(
    library: Library, url_map: tuple[tuple[str, Path], ...], allow_urls: bool
) -> Opened:
    from localsearch.clarifai import Face, FaceOptions
    from localsearch.rest.pictures_out import PicturesOut

    fetch: Callable[[str], bytes] | None = None
    if allow_urls:
        from localsearch import net

        fetch = net.fetch
    face = Face(library, FaceOptions(url_map=url_map, fetch=fetch))
    return Opened(InProcess(face, PicturesOut(library)), library, _IN_PROCESS)


def _library(library: Library | AnyPath | None) -> Library:
    if isinstance(library, ls.Library):
        return library
    if library is not None:
        if not isinstance(library, str | os.PathLike):
            raise UserError(
                f"library is a path or an open Library, not {type(library).__name__}",
                hint="library=localsearch.open(folder)",
            )
        return _open(Path(library))
    named = os.environ.get(LIBRARY_VARIABLE)
    if named:
        return _open(Path(named))
    nearest = ls.find_store(Path.cwd())
    return ls.open(store=nearest) if nearest is not None else _of_this_user()


def _open(path: Path) -> Library:
    """A photo folder or a store that is there, else a new store at that place."""
    place = path.expanduser()
    return ls.open(place) if place.is_dir() else ls.open(store=place)


def _of_this_user() -> Library:
    from platformdirs import user_data_path

    place = user_data_path("localsearch", appauthor=False) / "library"
    _tell(place)
    return ls.open(store=place)


@cache
def _tell(place: Path) -> None:
    """Say once where photos are kept if nobody said it."""
    warnings.warn(
        f"no library was named: photos are kept in {place} "
        f"(say where: ClarifaiApp(library=FOLDER), or {LIBRARY_VARIABLE})",
        UserWarning,
        stacklevel=7,  # where the program made its app
    )


def _pairs(url_map: UrlMap) -> tuple[tuple[str, Path], ...]:
    if url_map is None:
        lines = os.environ.get(URL_MAP_VARIABLE, "").splitlines()
        parts = [line.partition("=") for line in lines if line]  # as the server's --map
        url_map = [(prefix, folder) for prefix, _, folder in parts]
    items = url_map.items() if isinstance(url_map, Mapping) else url_map
    pairs = tuple((str(prefix), Path(folder).expanduser()) for prefix, folder in items)
    if any(not prefix or folder == Path() for prefix, folder in pairs):
        raise UserError("url_map holds pairs of URL_PREFIX and FOLDER")
    return pairs
