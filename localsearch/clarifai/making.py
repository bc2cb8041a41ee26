"""Makes inputs of what is wanted, and can take back what it has made.

Three ways in: a picture that is new; a file that is an input already (the photo folder was synced
before the program named it by URL), which takes id and words of the new one; an input that was
deleted, which comes back as the new one. A hidden input whose id is wanted steps aside under
another id, or goes if its bytes are its own. Never asks who may have which id: that was settled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import localsearch as ls
from localsearch.clarifai.answer import BAD_INPUT, UNDECODABLE, Fault
from localsearch.clarifai.media import Media
from localsearch.clarifai.shapes import CODE_OF_STATE, new_id
from localsearch.clarifai.wanted import Wanted
from localsearch.log import logger


class Making:
    """What one batch has done so far, so that it can be undone or finished."""

    def __init__(self, library: ls.Library) -> None:
        self.library = library
        self._undo: list[Callable[[], object]] = []
        self._purge: list[str] = []
        self.others: set[str] = set()  # ids that turned out to be somebody else's

    def undoes(self, step: Callable[[], object]) -> None:
        """Note how what was just done is undone."""
        self._undo.append(step)

    def purges(self, id: str) -> None:
        """Note a hidden input that the new ones replace; it goes when all went well."""
        self._purge.append(id)

    def undo(self) -> None:
        """Take back all that was done, the last first; what cannot be is left, and told."""
        for step in reversed(self._undo):
            try:
                step()
            except ls.LocalsearchError as error:
                logger().error("could not take back a part of an add: %s", error)
        self._undo.clear()

    def settle(self) -> None:
        """All went well: forget what was replaced. What cannot be now stays hidden."""
        with suppress(ls.LocalsearchError):
            if self._purge:
                self.library.purge(self._purge)


def made(making: Making, chosen: Mapping[int, Wanted]) -> dict[int, ls.Added | Fault]:
    """One result for each, by its place. What the library refuses is a Fault of its item."""
    found: dict[int, ls.Added | Fault] = {}
    fresh: dict[int, dict[str, Any]] = {}
    files: set[Path] = set()
    for place, wanted in chosen.items():
        make_room(making, wanted)
        path = wanted.media.path if wanted.media.region is None else None
        standing = making.library.find(path) if path is not None else None
        if standing is not None and may_become(standing):
            found[place] = _again(making, standing, wanted)
            continue
        single = path is None or standing is not None or path in files
        try:
            fresh[place] = _new(wanted, single)
        except Fault as fault:
            found[place] = fault
            continue
        if path is not None:
            files.add(path)
    found |= _all_new(making, fresh)
    return found


def make_room(making: Making, wanted: Wanted) -> None:
    """Let hidden inputs give way: one whose id is wanted, and those of the same URL that have no
    file (a file's comes back itself)."""
    library, media = making.library, wanted.media
    for one in library.get_many([wanted.id]) if wanted.id else ():
        same_file = media.path is not None and one.path == media.path and media.region is None
        if not same_file:
            aside = new_id()
            library.update(one.id, new_id=aside)
            making.undoes(lambda a=aside, i=one.id: library.update(a, new_id=i))  # type: ignore[misc]
            if one.path is None:
                making.purges(aside)
    if media.url and not media.allow_duplicate:
        for one in library.with_source(media.url):
            if one.removed and one.path is None:
                making.purges(one.id)


def may_become(standing: ls.Input) -> bool:
    """Whether an input of the same file is what is wanted: hidden, or not yet named by a URL."""
    hidden = standing.removed or standing.state == "missing"
    return hidden or standing.source_url is None


def _again(making: Making, standing: ls.Input, wanted: Wanted) -> ls.Added | Fault:
    """A file that is an input already, under its new id and with what is said of it now."""
    library = making.library
    making.undoes(lambda: _as_before(library, standing, wanted.id or standing.id))
    if wanted.id and wanted.id != standing.id:
        library.update(standing.id, new_id=wanted.id)
    id = wanted.id or standing.id
    metadata: Mapping[str, Any] | None = wanted.metadata
    if standing.removed:
        library.update(id, tags=dict.fromkeys(standing.tags), metadata={})
    added = library.add(
        wanted.media.path,
        tags=wanted.tags,
        metadata=metadata,
        source_url=wanted.media.url,
        place=wanted.place,
    )
    if added.state != "ok":
        _as_before(library, standing, id)
        return _state_fault(added)
    return added


def _as_before(library: ls.Library, before: ls.Input, id: str) -> None:
    """Give an input its old id and words back, and hide it if it was hidden."""
    now = library.get(id) if library.get_many([id]) else library.get(before.id)
    taken = {name: None for name in now.tags if name not in before.tags}
    library.update(
        now.id,
        metadata=before.metadata,
        source_url=before.source_url or "",
        tags={**taken, **before.tags},
        new_id=before.id,
    )
    if before.removed:
        library.remove(before.id)


def _new(wanted: Wanted, single: bool) -> dict[str, Any]:
    """The arguments of an add. `single`: the file itself is somebody else's, so its bytes are
    taken."""
    media = wanted.media
    said: dict[str, Any] = {
        "id": wanted.id or new_id(),
        "tags": wanted.tags,
        "metadata": wanted.metadata,
        "source_url": media.url or None,
        "place": wanted.place,
    }
    if media.region is not None:
        return {**said, "source": cut(media)}
    if media.path is not None and single:
        return {**said, "data": bytes_of(media)}
    if media.path is not None:
        return {**said, "source": media.path}
    return {**said, "data": media.data}


def bytes_of(media: Media) -> bytes:
    """The encoded bytes of a picture that is at hand."""
    from localsearch.sources.forms import read_file

    if media.data is not None:
        return media.data
    assert media.path is not None
    try:
        return read_file(media.path)
    except ls.PictureError as error:
        raise Fault(CODE_OF_STATE[error.state], error.reason) from error


def cut(media: Media) -> Any:
    """The part of a picture that a crop names, as pixels; this is what is kept and indexed."""
    from localsearch.sources.picture import open_picture

    assert media.region is not None
    try:
        pixels = open_picture(bytes_of(media)).pixels
    except ls.PictureError as error:
        raise Fault(CODE_OF_STATE[error.state], error.reason) from error
    height, width = pixels.shape[:2]
    left, top, right, bottom = media.region
    rows = slice(round(top * height), max(round(bottom * height), round(top * height) + 1))
    columns = slice(round(left * width), max(round(right * width), round(left * width) + 1))
    part = pixels[rows, columns]
    if not part.size:
        raise Fault(BAD_INPUT, "image.crop leaves no pixel of this picture")
    return part


def _all_new(making: Making, fresh: Mapping[int, dict[str, Any]]) -> dict[int, ls.Added | Fault]:
    """Add what is new, in as few commits as there are windows; go on after what is refused."""
    found: dict[int, ls.Added | Fault] = {}
    todo = list(fresh.items())
    while todo:
        results = iter_added(making, [arguments for _, arguments in todo])
        done = 0
        try:
            for one in results:
                place = todo[done][0]
                found[place] = one if one.state == "ok" else _dropped(making, one)
                done += 1
        except (ls.InputError, ls.PictureError) as error:
            found[todo[done][0]] = Fault(BAD_INPUT, str(error))
            making.others.add(todo[done][1]["id"])  # another process may have been quicker
            done += 1
        todo = todo[done:]
    return found


def iter_added(making: Making, items: list[dict[str, Any]]) -> Iterator[ls.Added]:
    """Results as they come, each noted for an undo as soon as it is stored."""
    library = making.library
    # Ids were made beforehand: what a window stored can be taken back though it gave nothing yet.
    for item in items:
        making.undoes(lambda id=item["id"]: _purged(making, id))  # type: ignore[misc]
    yield from library.add_many(items)


def _purged(making: Making, id: str) -> None:
    if id not in making.others:
        with suppress(ls.LibraryMissing):
            making.library.purge([id])


def _dropped(making: Making, added: ls.Added) -> Fault:
    """An item that could not be read is not kept: its id and URL stay free for another try."""
    making.library.purge([added.id])
    return _state_fault(added)


def _state_fault(added: ls.Added) -> Fault:
    return Fault(CODE_OF_STATE.get(added.state, UNDECODABLE), added.reason or added.state)
