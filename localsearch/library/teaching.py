"""Concepts of a user's own: taught, listed, renamed, forgotten. Composes `teach` and the catalog.

Never touches a photo. What one handle teaches, all others find in their next search.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from typing import Final

from localsearch.catalog import input_reads as reads
from localsearch.catalog import tags, taught
from localsearch.catalog.features import Features
from localsearch.catalog.taught import Example, ProbeRow, TaughtRow
from localsearch.errors import InputError, LibraryMissing
from localsearch.library import arguments
from localsearch.library.editing import Ids, known
from localsearch.library.parts import Parts
from localsearch.pack import Pack
from localsearch.pack.vocabulary import folded
from localsearch.records import Taught
from localsearch.scores import value_of
from localsearch.segments.probed import stored_probe
from localsearch.sync.new_input import tag_name
from localsearch.teach.examples import shown_by, together, vectors_of, with_others
from localsearch.teach.judge import Quality, sureness_of, word_of
from localsearch.teach.run import Put, learn, probe_row, retrain

_ID: Final = "taught:"  # frozen: what the ids of taught concepts begin with
_LONGEST_NAME: Final = 200


def teach(
    parts: Parts,
    name: str,
    positives: Ids,
    negatives: Ids,
    tag: str | None,
    dry_run: bool,
    replace: bool,
) -> Taught:
    """Learn a concept and, unless it is a dry run, keep it; see `Library.teach`."""
    cleaned = name_of(name)
    dry_run, replace = arguments.flag(dry_run, "dry_run"), arguments.flag(replace, "replace")
    truth, encoder = parts.truth, parts.pack.encoder_digest
    with truth.catalog.reading() as conn:
        before = _placed(conn, parts.pack, cleaned, replace)
        examples = with_others(conn, _shown(conn, positives, negatives, tag))
        shown = vectors_of(conn, truth.features, examples)
    lesson = learn(examples, shown)
    row = probe_row(lesson.trained)
    id = before.id if before else _ID + secrets.token_hex(6)
    if not dry_run:
        with truth.catalog.writing("teach") as conn:
            before = _placed(conn, parts.pack, cleaned, replace)
            id = before.id if before else id
            now_ms = time.time_ns() // 1_000_000
            if before is None:
                key = taught.put(conn, id, cleaned, folded(cleaned), now_ms)
            else:
                key = before.key
                taught.rename(conn, key, cleaned, folded(cleaned))
            taught.put_examples(conn, key, lesson.examples)
            taught.put_probe(conn, key, encoder, row, now_ms)
    return _record(id, cleaned, row, lesson.sampled, stored=not dry_run)


def listed(parts: Parts) -> tuple[Taught, ...]:
    """The taught concepts, by name."""
    with parts.truth.catalog.reading() as conn:
        return tuple(
            _described(conn, parts.pack, row)
            for row in taught.all_of(conn, parts.pack.encoder_digest)
        )


def rename(parts: Parts, name: str, new_name: str) -> Taught:
    """Give a taught concept another name."""
    wanted, cleaned = arguments.text(name, "name"), name_of(new_name)
    with parts.truth.catalog.writing("rename a concept") as conn:
        row = _row_of(conn, parts.pack, wanted)
        other = _placed(conn, parts.pack, cleaned, True)
        if other is not None and other.key != row.key:
            raise _taken(other.name)
        taught.rename(conn, row.key, cleaned, folded(cleaned))
        return _described(conn, parts.pack, row._replace(name=cleaned))


def forget(parts: Parts, name: str) -> None:
    """Forget a taught concept."""
    wanted = arguments.text(name, "name")
    with parts.truth.catalog.writing("forget a concept") as conn:
        taught.forget(conn, _row_of(conn, parts.pack, wanted).key)


def retrain_for(parts: Parts, features: Features, pack: Pack) -> Put:
    """What a reindex is handed: learns all concepts from the features of another pack."""
    return retrain(parts.truth.catalog, features, pack.encoder_digest)


def name_of(name: object) -> str:
    """A concept's name as it is kept: single blanks. InputError for what can be none."""
    cleaned = " ".join(arguments.text(name, "name").split())
    sayable = reads.is_text(cleaned) and cleaned.isprintable() and folded(cleaned)
    if not sayable or len(cleaned) > _LONGEST_NAME:
        raise InputError(
            f"{cleaned[:60]!r} cannot be the name of a concept",
            hint=f"1 to {_LONGEST_NAME} printable characters",
        )
    if folded(cleaned).startswith(_ID):
        raise InputError(f"a name cannot begin with {_ID!r}: ids do", hint="choose another name")
    return cleaned


def _placed(conn: sqlite3.Connection, pack: Pack, name: str, replace: bool) -> TaughtRow | None:
    """The concept that already has this name, if it may be replaced. InputError if it may not."""
    found = _by_name(conn, pack, name)
    if found is None and pack.vocabulary.knows(name):
        concept = pack.vocabulary.find(name)
        same = "" if folded(concept.name) == folded(name) else f" (it is {concept.name!r})"
        raise InputError(
            f"the pack {pack.name} has a concept {name!r} already{same}",
            hint=f'choose a name of your own, as "my {name}"',
        )
    if found is not None and not replace:
        raise _taken(found.name)
    return found


def _taken(name: str) -> InputError:
    return InputError(
        f"there is a taught concept {name!r} already",
        hint=f"teach it anew with replace (--replace), or forget it: localsearch taught "
        f'forget "{name}"',
    )


def _by_name(conn: sqlite3.Connection, pack: Pack, name: str) -> TaughtRow | None:
    """The taught concept of that name or id."""
    wanted = folded(name)
    rows = taught.all_of(conn, pack.encoder_digest)
    return next((row for row in rows if wanted in (row.folded, folded(row.id))), None)


def _row_of(conn: sqlite3.Connection, pack: Pack, name: str) -> TaughtRow:
    row = _by_name(conn, pack, name)
    if row is None:
        raise LibraryMissing(
            f"there is no taught concept {name!r}", hint="all are listed by: localsearch taught"
        )
    return row


def _shown(
    conn: sqlite3.Connection, positives: Ids, negatives: Ids, tag: str | None
) -> list[Example]:
    """The examples that were named, by id and by tag."""
    found: list[Example] = []
    for ids, positive in ((positives, True), (negatives, False)):
        found += shown_by(known(conn, ids), positive, by_id=True)
        if tag is not None:
            rows = tags.rows_with(conn, tag_name(tag), positive).tolist()
            tagged = [one for one in reads.by_rows(conn, rows) if not one.removed]
            found += shown_by(tagged, positive, by_id=False)
    if not any(one.positive for one in found):
        where = "" if tag is None else f", and no photo is tagged {tag}"
        raise InputError(
            f"there is no example to learn from{where}",
            hint="name photos that show it, or tag them: localsearch tag WORD FILE...",
        )
    return together(found)


def _described(conn: sqlite3.Connection, pack: Pack, row: TaughtRow) -> Taught:
    examples = taught.examples_of(conn, row.key)
    probe = row.probe
    if probe is None or stored_probe(*probe[:4], pack.dimensions) is None:
        positives = sum(one.positive for one in examples)
        empty = ProbeRow(b"", 1.0, 0.0, 65535, positives, len(examples) - positives, 0, 0, None)
        sampled = sum(one.sampled for one in examples)
        return _record(row.id, row.name, empty, sampled, ready=False)
    # Of an older pack's examples some may be lost; of the given ones these are the last to count.
    sampled = min(sum(one.sampled for one in examples), probe.negatives)
    return _record(row.id, row.name, probe, sampled)


def _record(
    id: str, name: str, row: ProbeRow, sampled: int, *, stored: bool = True, ready: bool = True
) -> Taught:
    quality = Quality(row.positives, row.negatives, row.found, row.wrong, row.precision)
    low, high = sureness_of(row.found, row.positives if row.positives > 1 else 0)
    return Taught(
        id=id,
        name=name,
        quality=word_of(quality),
        positives=row.positives,
        negatives=row.negatives,
        sampled=sampled,
        found=row.found,
        found_low=round(low, 3),
        found_high=round(high, 3),
        wrong=row.wrong,
        average_precision=None if row.precision is None else round(row.precision, 3),
        at_least=float(value_of(row.floor)) if ready else 1.0,
        stored=stored,
        ready=ready,
    )
