"""Looks at single inputs, at the vocabulary and at the library as a whole; writes nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsearch.catalog import contents, described, settings
from localsearch.catalog import input_reads as reads
from localsearch.catalog.input_reads import InputRow
from localsearch.catalog.migrations import STORE_FORMAT
from localsearch.errors import InputError, LibraryMissing, PackError, PictureError
from localsearch.library import arguments, finding
from localsearch.library.folders import found_roots
from localsearch.library.models import PROVIDER_SETTING, THUMBNAIL_SIDE
from localsearch.library.parts import Parts
from localsearch.library.places import AnyPath
from localsearch.pack import find_pack, load_pack
from localsearch.records import (
    FAILED,
    ConceptInfo,
    ConceptValue,
    Finding,
    Input,
    Status,
)
from localsearch.sources import forms
from localsearch.sources.image import image_of
from localsearch.sources.picture import open_picture
from localsearch.sources.thumbnail import make
from localsearch.sync.new_input import check_forms
from localsearch.sync.placing import places_of, plain_path
from localsearch.verify import SEGMENT_CODES, verify_store

if TYPE_CHECKING:
    from PIL.Image import Image

_CHUNK = 500  # inputs described in one transaction while streaming


def get(parts: Parts, public_id: str) -> Input:
    """One input, or LibraryMissing."""
    with parts.truth.catalog.reading() as conn:
        return described.inputs_of(conn, [_row(conn, public_id)])[0]


def find(parts: Parts, path: AnyPath) -> Input | None:
    """The input of a file, in a root or outside; one that is there before one that is missing."""
    founds = found_roots(parts)
    tops = [(found.row.key, Path(os.fsdecode(found.row.path))) for found in founds]
    tops += [(found.row.key, found.path) for found in founds if found.path is not None]
    with parts.truth.catalog.reading() as conn:
        places = places_of(tops, plain_path(path))
        rows = [reads.by_place(conn, one.root, one.folder, one.name) for one in places]
        found = sorted((row for row in rows if row is not None), key=lambda row: not row.live)
        return described.inputs_of(conn, found[:1])[0] if found else None


def inputs(parts: Parts, state: str | None, removed: bool) -> Iterator[Input]:
    """All inputs that are (not) removed, or those in one state, by row; a transaction a chunk."""
    after = 0
    while True:
        with parts.truth.catalog.reading() as conn:
            rows = reads.iterate(conn, after=after, limit=_CHUNK, state=state, removed=removed)
            found = described.inputs_of(conn, rows)
        if not found:
            return
        after = rows[-1].row
        yield from found


def failures(parts: Parts) -> Iterator[Input]:
    """Inputs that could not be indexed."""
    for state in sorted(FAILED):
        yield from inputs(parts, state, False)


def concepts(parts: Parts, prefix: str) -> tuple[ConceptInfo, ...]:
    """Concepts whose name or synonym begins with a prefix."""
    return tuple(
        ConceptInfo(c.id, c.name, c.synonyms, c.parents, c.kind, c.definition)
        for c in parts.pack.vocabulary.starting_with(prefix)
    )


def predict(
    parts: Parts,
    source: Any,
    base64: str | None,
    data: bytes | None,
    public_id: str | None,
    limit: int,
    at_least: float,
) -> tuple[ConceptValue, ...]:
    """Concepts of one picture; of a stored one from its features."""
    check_forms(base64, data)
    if sum(given is not None for given in (source, base64, data, public_id)) != 1:
        raise InputError("give exactly one of source, base64, data and id")
    if public_id is not None:
        with parts.truth.catalog.reading() as conn:
            digest = finding.content_of(_row(conn, public_id))
        vectors, logits, found = parts.truth.features.arrays_of([digest])
        if not found[0]:
            raise LibraryMissing(f"the features of {public_id!r} are lost", hint="sync again")
        return finding.concepts_of(parts, vectors, logits, limit=limit, at_least=at_least)[0]
    encoded = forms.from_base64(base64) if base64 is not None else data
    form = forms.encoded_of(encoded if encoded is not None else source)
    outcome = parts.models.outcome_of(form.data)
    if outcome.refusal is not None:
        where = f"{form.path}: " if form.path else ""
        raise PictureError(outcome.refusal.state, f"{where}{outcome.refusal.reason}")
    assert outcome.vector is not None and outcome.logits is not None
    return finding.concepts_of(
        parts, outcome.vector[None], outcome.logits[None], limit=limit, at_least=at_least
    )[0]


def thumbnail(parts: Parts, public_id: str) -> bytes:
    """The stored thumbnail, else one made now."""
    with parts.truth.catalog.reading() as conn:
        row = _row(conn, public_id)
    if row.digest is not None:
        stored = parts.truth.thumbnails.of(row.digest)
        if stored is not None:
            return stored
    picture = open_picture(_data_of(parts, public_id), short_side=THUMBNAIL_SIDE)
    return make(picture.pixels, THUMBNAIL_SIDE)


def open_image(parts: Parts, public_id: str) -> Image:
    """The whole picture, upright."""
    return image_of(open_picture(_data_of(parts, public_id)))


def status(parts: Parts, notes: Sequence[str]) -> Status:
    """Counts, sizes, and what runs."""
    with parts.truth.catalog.reading() as conn:
        live = parts.live.current(conn)
        counts = reads.count_by_state(conn)
        removed = reads.count_removed(conn)
        last_used = settings.value(conn, PROVIDER_SETTING, parts.models.wanted_provider)
    provider = parts.models.provider() or last_used or "auto"
    pack = parts.pack
    return Status(
        store=parts.truth.store,
        inputs=sum(counts.values()),
        ok=counts.get("ok", 0),
        failed=sum(counts.get(state, 0) for state in FAILED),
        missing=counts.get("missing", 0),
        offline=counts.get("offline", 0),
        removed=removed,
        pack=f"{pack.name} {pack.version}",
        schema=STORE_FORMAT,
        bytes=_bytes_below(parts.truth.store),
        generation=live.generation,
        segments=len(live.segments),
        tail=len(live.tail.rows),
        provider=provider,
        notes=(*notes, *live.notes, *_newer_pack(parts)),
    )


def verify(parts: Parts) -> tuple[Finding, ...]:
    """Compare everything with everything; segments that are wrong are set aside, and built anew
    by the next sync."""
    findings = tuple(verify_store(parts.truth, parts.pack))
    for one in findings:
        if one.code in SEGMENT_CODES:
            parts.live.set_aside(one.where)
    return findings


def _newer_pack(parts: Parts) -> list[str]:
    """The store keeps its own copy of its pack; tell when the program has a newer one."""
    try:
        available = load_pack(find_pack(parts.pack.name)).version
    except PackError:
        return []
    if available <= parts.pack.version:
        return []
    return [f"pack {parts.pack.name} {available} is available: localsearch reindex"]


def _row(conn: sqlite3.Connection, public_id: str) -> InputRow:
    row = reads.by_id(conn, arguments.text(public_id, "id"))
    if row is None:
        raise LibraryMissing(f"there is no input with the id {public_id!r}")
    return row


def _data_of(parts: Parts, public_id: str) -> bytes:
    """The encoded bytes of an input: its file's, or those that the catalog keeps."""
    with parts.truth.catalog.reading() as conn:
        row = _row(conn, public_id)
        (one,) = described.inputs_of(conn, [row])
        kept = contents.data_of(conn, row.key) if one.path is None else None
    if kept is not None:
        return kept
    if one.path is None:
        raise LibraryMissing(f"the picture of {public_id!r} was not kept")
    if not one.path.exists():
        raise LibraryMissing(
            f"{one.path} is not there now ({one.state})", hint="plug its drive in, or sync"
        )
    return forms.encoded_of(one.path).data


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # swept meanwhile
            continue
    return total
