"""Adds single sources: files, bytes, arrays, pictures; in order, one result each.

A file inside a root becomes the input that a sync would make of it; a file outside every root is
an input with an absolute path, not copied; whatever has no file keeps its encoded bytes.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localsearch.catalog import contents, inputs, tags
from localsearch.catalog import input_reads as reads
from localsearch.catalog import known as known_rows
from localsearch.catalog.truth import Truth
from localsearch.errors import InputError, PictureError
from localsearch.pipeline.job import Job, Outcome
from localsearch.records import Added, Refusal
from localsearch.sources import forms
from localsearch.sync.commit import put_features
from localsearch.sync.plan import settled_mtime
from localsearch.sync.roots import FoundRoot
from localsearch.sync.run import ReadFeatures

WINDOW = 32  # sources in work at once: enough to keep both cores busy, few to hold in memory


@dataclass(frozen=True, slots=True)
class NewInput:
    """A source and what the user says of it."""

    source: Any = None
    base64: str | None = None
    data: bytes | None = None
    id: str | None = None
    tags: Mapping[str, bool] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source_url: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    root: int | None
    folder: bytes
    name: bytes


def tags_of(tags: Mapping[str, bool] | Iterable[str] | None) -> dict[str, bool]:
    """Tags as a mapping; names alone mean that it is so."""
    if tags is None or isinstance(tags, Mapping):
        return dict(tags or {})
    if isinstance(tags, str):
        return {tags: True}
    return dict.fromkeys(tags, True)


def new_input(source: Any) -> NewInput:
    """One item of `add_many`: a source, or a mapping with the arguments of `Library.add`."""
    if isinstance(source, Mapping):
        try:
            new = NewInput(**{**source, "tags": tags_of(source.get("tags"))})
        except TypeError as error:
            raise InputError(f"not arguments of add: {error}") from error
    else:
        new = NewInput(source)
    check_new(new)
    return new


def check_new(new: NewInput) -> None:
    """Raise InputError for what can be seen to be wrong before anything is read."""
    if sum(given is not None for given in (new.source, new.base64, new.data)) != 1:
        raise InputError("give exactly one of source, base64 and data")
    if new.id is not None and not new.id.strip():
        raise InputError("an id cannot be empty")


def add_inputs(
    truth: Truth,
    founds: Sequence[FoundRoot],
    news: Iterable[NewInput],
    read_features: ReadFeatures,
    *,
    stop: Any = lambda: False,
) -> Iterator[Added]:
    """Add all, in order. A source that cannot be used is a result with its state and reason."""
    window: list[NewInput] = []
    for new in news:
        window.append(new)
        if len(window) >= WINDOW:
            yield from _add_window(truth, founds, window, read_features)
            window = []
        if stop():
            break
    yield from _add_window(truth, founds, window, read_features)


def _add_window(
    truth: Truth, founds: Sequence[FoundRoot], news: Sequence[NewInput], read: ReadFeatures
) -> Iterator[Added]:
    encoded = [_encoded(new) for new in news]
    jobs = [
        Job(key=n, path=None, data=form.data, size=len(form.data))
        for n, form in enumerate(encoded)
        if isinstance(form, forms.Encoded)
    ]
    outcomes: dict[int, Outcome] = {int(str(o.key)): o for o in read(jobs, lambda: False)}
    put_features(truth, list(outcomes.values()))
    results = []
    with truth.catalog.writing("add") as conn:
        for n, (new, form) in enumerate(zip(news, encoded, strict=True)):
            results.append(_put(conn, founds, new, form, outcomes.get(n)))
    yield from results


def _encoded(new: NewInput) -> forms.Encoded | Refusal:
    given = [new.source is not None, new.base64 is not None, new.data is not None]
    if sum(given) != 1:
        raise InputError("give exactly one of source, base64 and data")
    try:
        if new.base64 is not None:
            return forms.encoded_of(forms.from_base64(new.base64))
        return forms.encoded_of(new.data if new.data is not None else new.source)
    except PictureError as error:
        return Refusal(error.state, error.reason)


def _put(
    conn: sqlite3.Connection,
    founds: Sequence[FoundRoot],
    new: NewInput,
    form: forms.Encoded | Refusal,
    outcome: Outcome | None,
) -> Added:
    now_ms = time.time_ns() // 1_000_000
    refusal = form if isinstance(form, Refusal) else outcome.refusal if outcome else None
    digest = outcome.digest if outcome else None
    twins = known_rows.places_of(conn, digest, limit=2) if digest is not None else []
    place = _place_of(founds, new.source)
    standing = known_rows.known_at(conn, place.root, place.folder, place.name) if place else None
    if standing is not None:
        key, public_id = standing.key, standing.id
        if new.id not in (None, public_id):
            raise InputError(f"{new.source} is an input already, with the id {public_id}")
        if standing.digest != digest or standing.state != "ok":
            _replace(conn, key, form, outcome, refusal, now_ms)
        if standing.removed:
            inputs.set_removed(conn, key, False, now_ms=now_ms)
    else:
        key, public_id = _put_fresh(conn, new, place, form, outcome, refusal, now_ms)
    for name, value in new.tags.items():
        tags.put(conn, key, name, value)
    if new.metadata and standing is not None:
        inputs.set_metadata(conn, key, dict(new.metadata), now_ms=now_ms)
    twin = next((known.id for known in twins if known.key != key), None)
    state, reason = (refusal.state, refusal.reason) if refusal else ("ok", "")
    return Added(public_id, state, reason, twin)


def _put_fresh(
    conn: sqlite3.Connection,
    new: NewInput,
    place: _Place | None,
    form: forms.Encoded | Refusal,
    outcome: Outcome | None,
    refusal: Refusal | None,
    now_ms: int,
) -> tuple[int, str]:
    size, mtime_ns = _stat_of(new.source) if place else (None, None)
    key, _, public_id = inputs.put_new(
        conn,
        id=new.id,
        root=place.root if place else None,
        folder=place.folder if place else None,
        name=place.name if place else None,
        digest=outcome.digest if outcome else None,
        size=size if place else (len(form.data) if isinstance(form, forms.Encoded) else None),
        mtime_ns=mtime_ns,
        facts=_facts_of(conn, outcome),
        state=refusal.state if refusal else "ok",
        reason=refusal.reason if refusal else "",
        source_url=new.source_url,
        metadata=dict(new.metadata),
        now_ms=now_ms,
    )
    if place is None and isinstance(form, forms.Encoded):
        contents.put(conn, key, form.data)
    return key, public_id


def _replace(
    conn: sqlite3.Connection,
    key: int,
    form: forms.Encoded | Refusal,
    outcome: Outcome | None,
    refusal: Refusal | None,
    now_ms: int,
) -> None:
    path = form.path if isinstance(form, forms.Encoded) else None
    size, mtime_ns = _stat_of(path) if path is not None else (None, None)
    inputs.replace_content(
        conn,
        key,
        digest=outcome.digest if outcome else None,
        size=size,
        mtime_ns=mtime_ns,
        facts=_facts_of(conn, outcome),
        state=refusal.state if refusal else "ok",
        reason=refusal.reason if refusal else "",
        now_ms=now_ms,
    )


def _facts_of(conn: sqlite3.Connection, outcome: Outcome | None) -> Any:
    if outcome is None:
        return None
    if outcome.facts is None and outcome.known and outcome.digest is not None:
        return reads.facts_of_digest(conn, outcome.digest)
    return outcome.facts


def _place_of(founds: Sequence[FoundRoot], source: Any) -> _Place | None:
    """Where a file lies: in a root, or by its absolute path; None for what is no file."""
    if not isinstance(source, str | os.PathLike):
        return None
    path = Path(os.fspath(source)).expanduser().absolute()
    for found in founds:
        if found.path is not None and found.path in path.parents:
            inside = os.fsencode(path.relative_to(found.path).as_posix())
            folder, _, name = inside.rpartition(b"/")
            return _Place(found.row.key, folder, name)
    return _Place(None, os.fsencode(path.parent), os.fsencode(path.name))


def _stat_of(source: Any) -> tuple[int | None, int | None]:
    try:
        status = Path(os.fspath(source)).expanduser().stat()
    except OSError:
        return None, None
    return status.st_size, settled_mtime(status.st_mtime_ns, time.time_ns())
