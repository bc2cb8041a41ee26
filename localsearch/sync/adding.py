"""Adds single sources: files, bytes, arrays, pictures; in order, one result each.

A file inside a root becomes the input that a sync would make of it; a file outside every root, or
one that a walk of its root does not show, is an input with an absolute path, not copied; whatever
has no file keeps its encoded bytes. Invariant: a source that cannot be used takes nothing with it;
those before it are committed and given, then its error is raised.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from localsearch.catalog import contents, edits, inputs, tags
from localsearch.catalog import known as known_rows
from localsearch.catalog.known import Known
from localsearch.catalog.truth import Truth
from localsearch.deferred import NamedTuple, dataclass
from localsearch.errors import InputError, LibraryPackChanged, PictureError
from localsearch.pipeline.job import Job, Outcome
from localsearch.records import Added, Refusal
from localsearch.sources import forms
from localsearch.sync.commit import put_features
from localsearch.sync.new_input import NewInput
from localsearch.sync.placing import Place, is_shown, places_of, plain_path
from localsearch.sync.plan import settled_mtime
from localsearch.sync.roots import FoundRoot
from localsearch.sync.run import ReadFeatures

WINDOW = 32  # sources in work at once: enough to keep both cores busy, few to hold in memory


@dataclass(frozen=True, slots=True)
class _Ready:
    """A source whose bytes were read, or the reason why they could not be."""

    new: NewInput
    form: forms.Encoded | Refusal
    path: Path | None


class Stand(NamedTuple):
    """What a window is added to: the store, its roots as they are now, the pipeline of its pack."""

    truth: Truth
    founds: Sequence[FoundRoot]
    read_features: ReadFeatures


def add_inputs(
    stand: Callable[[], Stand],
    news: Iterable[NewInput],
    *,
    after_commit: Callable[[], None] = lambda: None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Added]:
    """Add all, in order. A source that cannot be read is a result with its state and reason.

    `stand` is asked for each window: the pack of the store may change between two. `after_commit`
    is called after each window, before its results are given. What `news` raises, and the
    InputError of a source, is raised once those before it were given.
    """
    for window, fault in _windows(news, stop):
        try:
            results, refused = _add_window(*stand(), window)
        except LibraryPackChanged:  # nothing of it was committed
            results, refused = _add_window(*stand(), window)
        if results:
            after_commit()
        yield from results
        if refused is not None or fault is not None:
            raise refused or fault  # type: ignore[misc]  # one of them it is


def _windows(
    news: Iterable[NewInput], stop: Callable[[], bool]
) -> Iterator[tuple[list[_Ready], Exception | None]]:
    """Sources in windows; with the last one what was raised by the source after it."""
    todo = iter(news)
    window: list[_Ready] = []
    while not stop():
        try:
            new = next(todo)
            window.append(_ready(new))
        except StopIteration:
            break
        except Exception as fault:  # noqa: BLE001  # raised again, after what came before it
            yield window, fault
            return
        if len(window) >= WINDOW:
            yield window, None
            window = []
    yield window, None


def _ready(new: NewInput) -> _Ready:
    is_path = isinstance(new.source, str | os.PathLike)
    path = plain_path(new.source) if is_path else None
    return _Ready(new, _encoded(new), path)


def _encoded(new: NewInput) -> forms.Encoded | Refusal:
    try:
        if new.base64 is not None:
            return forms.encoded_of(forms.from_base64(new.base64))
        return forms.encoded_of(new.data if new.data is not None else new.source)
    except PictureError as error:
        return Refusal(error.state, error.reason)


def _add_window(
    truth: Truth, founds: Sequence[FoundRoot], read: ReadFeatures, window: Sequence[_Ready]
) -> tuple[list[Added], InputError | None]:
    """Results up to the first source that the catalog refuses, and that refusal."""
    if not window:
        return [], None
    jobs = [
        Job(key=n, path=None, data=ready.form.data, size=len(ready.form.data))
        for n, ready in enumerate(window)
        if isinstance(ready.form, forms.Encoded)
    ]
    outcomes: dict[int, Outcome] = {int(str(o.key)): o for o in read(jobs, lambda: False)}
    put_features(truth, list(outcomes.values()))
    results: list[Added] = []
    with truth.catalog.writing("add") as conn:
        for n, ready in enumerate(window):
            try:
                with truth.catalog.writing("add"):  # inside the other: undone by itself
                    results.append(_put(conn, founds, ready, outcomes.get(n)))
            except InputError as error:
                return results, error
    return results, None


def _put(
    conn: sqlite3.Connection,
    founds: Sequence[FoundRoot],
    ready: _Ready,
    outcome: Outcome | None,
) -> Added:
    now_ms = time.time_ns() // 1_000_000
    new, form = ready.new, ready.form
    refusal = form if isinstance(form, Refusal) else outcome.refusal if outcome else None
    digest = outcome.digest if outcome else None
    twins = known_rows.places_of(conn, digest, limit=2) if digest is not None else []
    place, standing = _standing(conn, founds, ready)
    if standing is not None and place is not None:
        key, public_id = standing.key, standing.id
        _put_again(conn, standing, place, ready, outcome, refusal, now_ms)
    else:
        key, public_id = _put_fresh(conn, ready, place, outcome, refusal, now_ms)
    for name, value in new.tags.items():
        tags.put(conn, key, name, value)
    if new.place is not None:
        edits.set_place(conn, key, new.place, now_ms)
    twin = next((known.id for known in twins if known.key != key), None)
    state, reason = (refusal.state, refusal.reason) if refusal else ("ok", "")
    return Added(public_id, state, reason, twin)


def _standing(
    conn: sqlite3.Connection, founds: Sequence[FoundRoot], ready: _Ready
) -> tuple[Place | None, Known | None]:
    """Where the source belongs (None: it has no file), and the input of it that there is."""
    if ready.path is None:
        return None, None
    tops = [(found.row.key, found.path) for found in founds if found.path is not None]
    places = places_of(tops, ready.path)
    data = ready.form.data if isinstance(ready.form, forms.Encoded) else b""
    belongs = next(p for p in places if p.root is None or is_shown(founds, p, data))
    for place in sorted(places, key=lambda place: place != belongs):
        known = known_rows.known_at(conn, place.root, place.folder, place.name)
        if known is not None:
            return belongs, known
    return belongs, None


def _put_again(
    conn: sqlite3.Connection,
    standing: Known,
    place: Place,
    ready: _Ready,
    outcome: Outcome | None,
    refusal: Refusal | None,
    now_ms: int,
) -> None:
    """A file that is an input already: what is new of it and what the user says of it now."""
    key, new = standing.key, ready.new
    if new.id not in (None, standing.id):
        raise InputError(f"{new.source} is an input already, with the id {standing.id}")
    if (standing.root, standing.folder, standing.name) != (place.root, place.folder, place.name):
        _move(conn, key, place, ready, now_ms)
    if standing.digest != (outcome.digest if outcome else None) or standing.state != "ok":
        _replace(conn, key, ready, outcome, refusal, now_ms)
    if standing.removed:
        inputs.set_removed(conn, key, False, now_ms=now_ms)
    if new.metadata is not None:
        inputs.set_metadata(conn, key, dict(new.metadata), now_ms=now_ms)
    if new.source_url is not None:
        inputs.set_source(conn, key, new.source_url, now_ms=now_ms)


def _move(conn: sqlite3.Connection, key: int, place: Place, ready: _Ready, now_ms: int) -> None:
    """It stands by another of its paths: by a link, or in a root whose walk hides it now."""
    size, mtime_ns = _stat_of(ready.path)
    inputs.move(
        conn,
        key,
        root=place.root,
        folder=place.folder,
        name=place.name,
        size=size,
        mtime_ns=mtime_ns,
        now_ms=now_ms,
    )


def _put_fresh(
    conn: sqlite3.Connection,
    ready: _Ready,
    place: Place | None,
    outcome: Outcome | None,
    refusal: Refusal | None,
    now_ms: int,
) -> tuple[int, str]:
    new, form = ready.new, ready.form
    size, mtime_ns = _stat_of(ready.path)
    if place is None and isinstance(form, forms.Encoded):
        size = len(form.data)
    key, _, public_id = inputs.put_new(
        conn,
        id=new.id,
        root=place.root if place else None,
        folder=place.folder if place else None,
        name=place.name if place else None,
        digest=outcome.digest if outcome else None,
        size=size,
        mtime_ns=mtime_ns,
        facts=_facts_of(conn, outcome),
        state=refusal.state if refusal else "ok",
        reason=refusal.reason if refusal else "",
        source_url=new.source_url,
        metadata=dict(new.metadata or {}),
        now_ms=now_ms,
    )
    if place is None and isinstance(form, forms.Encoded):
        contents.put(conn, key, form.data)
    return key, public_id


def _replace(
    conn: sqlite3.Connection,
    key: int,
    ready: _Ready,
    outcome: Outcome | None,
    refusal: Refusal | None,
    now_ms: int,
) -> None:
    size, mtime_ns = _stat_of(ready.path)
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
        return known_rows.facts_of_digest(conn, outcome.digest)
    return outcome.facts


def _stat_of(path: Path | None) -> tuple[int | None, int | None]:
    """(size, time of change) of a file; None for both where there is none."""
    if path is None:
        return None, None
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None, None
    return status.st_size, settled_mtime(status.st_mtime_ns, time.time_ns())
