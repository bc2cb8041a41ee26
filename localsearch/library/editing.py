"""What a user changes by hand: tags, metadata, removal. Never touches a photo file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping
from typing import Any

from localsearch.catalog import edits, inputs, tags
from localsearch.catalog import input_reads as reads
from localsearch.catalog.features import forget_in, other_files
from localsearch.catalog.input_reads import InputRow
from localsearch.catalog.inputs import IGNORED
from localsearch.catalog.truth import Truth
from localsearch.deferred import NamedTuple
from localsearch.errors import InputError, LibraryMissing
from localsearch.library import arguments
from localsearch.sync.new_input import check_metadata, check_place, check_source_url, tag_name

Ids = str | Iterable[str]


def known(conn: sqlite3.Connection, ids: Ids) -> list[InputRow]:
    """The inputs of these ids, in order, each once; LibraryMissing names those that are none."""
    wanted = arguments.texts(ids, "ids")
    found = {row.id: row for row in reads.by_ids(conn, wanted)}
    absent = [one for one in wanted if one not in found]
    if absent:
        raise LibraryMissing(
            f"there is no input with the id {', '.join(absent[:5])}",
            hint="ids are shown by `localsearch search --json` and `localsearch show FILE`",
        )
    return [found[one] for one in wanted]


def put_tag(truth: Truth, ids: Ids, name: str, value: bool) -> None:
    """Tag inputs; `value` False says that it is not so."""
    cleaned, said = tag_name(name), arguments.flag(value, "value")
    with truth.catalog.writing("tag") as conn:
        for row in known(conn, ids):
            tags.put(conn, row.key, cleaned, said)


def forget_tag(truth: Truth, ids: Ids, name: str) -> None:
    """Take a tag off."""
    cleaned = tag_name(name)
    with truth.catalog.writing("tag") as conn:
        for row in known(conn, ids):
            tags.forget(conn, row.key, cleaned)


class Edit(NamedTuple):
    """What is to be other of an input; None stays as it is. A tag whose value is None goes."""

    metadata: Mapping[str, Any] | None = None
    source_url: str | None = None
    place: tuple[float, float] | tuple[()] | None = None
    tags: Mapping[str, bool | None] | None = None
    id: str | None = None


def update(truth: Truth, public_id: str, edit: Edit) -> None:
    """Change an input by hand: all of it, or (if anything cannot be) nothing."""
    now_ms = _now_ms()
    arguments.text(public_id, "id")
    check_metadata(edit.metadata)
    check_source_url(edit.source_url)
    check_place(edit.place or None)
    said = _tags_said(edit.tags)
    with truth.catalog.writing("update") as conn:
        (row,) = known(conn, public_id)
        if edit.metadata is not None:
            inputs.set_metadata(conn, row.key, dict(edit.metadata), now_ms=now_ms)
        if edit.source_url is not None:
            inputs.set_source(conn, row.key, edit.source_url, now_ms=now_ms)
        if edit.place is not None:
            edits.set_place(conn, row.key, edit.place or (None, None), now_ms=now_ms)
        for name, value in said.items():
            if value is None:
                tags.forget(conn, row.key, name)
            else:
                tags.put(conn, row.key, name, value)
            edits.note_edit(conn, row.key, now_ms)
        if edit.id not in (None, public_id):
            inputs.set_id(conn, row.key, arguments.text(edit.id, "new_id"), now_ms=now_ms)


def _tags_said(said: Mapping[str, bool | None] | None) -> dict[str, bool | None]:
    if said is None:
        return {}
    if not isinstance(said, Mapping):
        raise arguments.refused("tags", said, "a mapping of names to True, False or None")
    return {
        tag_name(name): None if value is None else arguments.flag(value, "the value of a tag")
        for name, value in said.items()
    }


def set_removed(truth: Truth, ids: Ids, removed: bool) -> int:
    """Hide inputs, or bring them back; gives how many changed."""
    with truth.catalog.writing("remove" if removed else "restore") as conn:
        rows = [row for row in known(conn, ids) if bool(row.removed) != removed]
        for row in rows:
            inputs.set_removed(conn, row.key, removed, now_ms=_now_ms())
    return len(rows)


def purge(truth: Truth, ids: Ids | None, missing: bool, removed: bool) -> int:
    """Forget inputs for good; gives how many."""
    missing, removed = arguments.flag(missing, "missing"), arguments.flag(removed, "removed")
    if ids is None and not missing and not removed:
        raise InputError("say what to purge: ids, missing=True or removed=True")
    with truth.catalog.writing("purge") as conn:
        keys = {row.key for row in known(conn, ids)} if ids is not None else set()
        if missing:
            keys.update(reads.keys_gone(conn, IGNORED))
        if removed:
            keys.update(reads.keys_removed(conn))
        gone = inputs.purge(conn, sorted(keys))
    forget_contents(truth, gone)
    return gone.inputs


def forget_contents(truth: Truth, gone: inputs.Purged) -> None:
    """Features and thumbnails that no input has any more; space goes back to the disk."""
    if gone.orphans:
        truth.features.forget(gone.orphans)
        for other in other_files(truth.store, [truth.features.encoder_digest]):
            forget_in(other, gone.orphans)  # of the pack before, or the one that is being built
        truth.thumbnails.forget(gone.orphans)
        truth.features.shrink()
        truth.thumbnails.shrink()


def drop_root(truth: Truth, root: int) -> int:
    """Forget a root and every input in it; gives how many inputs."""
    with truth.catalog.writing("drop root") as conn:
        gone = inputs.forget_root(conn, root)
    forget_contents(truth, gone)
    return gone.inputs


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
