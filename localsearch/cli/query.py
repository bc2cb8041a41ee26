"""The query of a search from its arguments: TEXT and flags, all of which must hold.

Builds terms; knows no library and no concept, so that names are checked where the pack is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import localsearch as ls
from localsearch.cli import opening, terminal


def query_of(text: list[str], flags: list[ls.Term]) -> str | ls.Term:
    """TEXT and flags as one query. Raises InputError without any."""
    words = _joined(text)
    if not words.strip() and not flags:
        raise ls.InputError(
            "nothing to search for",
            hint="name a concept (localsearch search dog), or give --like FILE or --tag T",
        )
    # What does not close its own brackets and quotes is told so, not closed by those of the flags.
    if not flags or not _is_closed(words):
        return words
    tree = flags[0] if len(flags) == 1 else ls.And(tuple(flags))
    # The library parses text with the words of its pack, so both halves go there as text.
    return f"({words}) ({tree})" if words.strip() else tree


def _joined(text: list[str]) -> str:
    """TEXT as it was written; the parsing of the command line put a blank before each minus."""
    return " ".join(terminal.as_text(word).removeprefix(" ") for word in text)


def _is_closed(words: str) -> bool:
    """Whether each bracket and each quote of a text ends in it."""
    depth = 0
    for one in re.sub(r'"[^"]*"', "", words):
        depth += (one == "(") - (one == ")")
        if depth < 0 or one == '"':
            return False
    return depth == 0


@contextmanager
def in_columns_of(text: list[str], flags: list[ls.Term]) -> Iterator[None]:
    """Faults of the query point into TEXT as it was written, or (those of a flag) nowhere."""
    try:
        yield
    except ls.QueryError as fault:
        words = _joined(text)
        if fault.column is not None and flags and words.strip() and _is_closed(words):
            _move(fault, 1, len(words))  # the bracket that `query_of` put around it
        raise


def _move(fault: ls.QueryError, front: int, length: int) -> None:
    """Count columns from behind what was put in front; none beyond what the user wrote."""

    def moved(found: re.Match[str]) -> str:
        column = int(found[2]) - front
        return f"{found[1]}{column}{found[3]}" if column <= length + 1 else ""

    fault.message = re.sub(r"( \(column | in column )(\d+)(\)$|)", moved, fault.message)
    column = (fault.column or 0) - front
    fault.column = column if column <= length + 1 else None


def terms_of(
    concepts: list[str],
    without: list[str],
    any_of: list[str],
    like: str | None,
    like_id: str | None,
    tags: list[str],
    region: str | None = None,
) -> list[ls.Term]:
    """One term a flag; `any_of` holds comma-separated names; `region` is of the query pictures."""
    part = _region(region, like, like_id)
    terms = [ls.concept(terminal.as_text(name)) for name in concepts]
    terms += [~ls.concept(terminal.as_text(name)) for name in without]
    for names in map(terminal.as_text, any_of):
        few = [ls.concept(name.strip()) for name in names.split(",") if name.strip()]
        if not few:
            raise ls.InputError("--any-of has no names", hint="write --any-of cat,dog")
        terms.append(few[0] if len(few) == 1 else ls.Or(tuple(few)))
    if like is not None:
        if not like:
            raise ls.InputError("--like names no file", hint="write --like FILE")
        terms.append(ls.like(opening.absolute(Path(like)), region=part))
    if like_id is not None:
        terms.append(ls.like(id=_id(like_id), region=part))
    terms += [ls.tag(*opening.tag_of(text)) for text in tags]
    return terms


def filters_of(
    where: list[str], taken: str | None, near: str | None, box: str | None, camera: str | None
) -> list[ls.Term]:
    """One term a flag that only filters; each is sugar for the word of the grammar."""
    terms = [ls.metadata(_document(text)) for text in where]
    for word, form, text in (
        ("taken", "--taken 2024-05, --taken 2024-05-01..2024-06-15", taken),
        ("near", "--near 48.1,11.6,5km", near),
        ("box", "--box SOUTH,WEST,NORTH,EAST", box),
    ):
        if text is not None:
            terms.append(_leaf(word, terminal.as_text(text), form))
    if camera is not None and not camera.strip():
        raise ls.InputError("--camera names none", hint="as --camera 'iPhone 12'")
    if camera is not None:
        terms.append(ls.camera(opening.name_of(camera, "a camera")))
    return terms


def _leaf(word: str, text: str, form: str) -> ls.Term:
    """What `word:text` means in the grammar, if it is one leaf."""
    if text and not re.search(r"[\s()\"]", text):
        try:
            return ls.parse(f"{word}:{text}")
        except ls.QueryError as fault:
            _move(fault, len(word) + 1, len(text))
            raise ls.InputError(f"--{word} {text}: {fault.message}", hint=f"as {form}") from fault
    raise ls.InputError(f"--{word} cannot be {text!r}", hint=f"as {form}")


def _document(argument: str) -> dict[str, Any]:
    """`album=home`, `a.b=1`, `a="1"`: a JSON value where it is one, else text."""
    text = opening.name_of(argument, "--where")
    path, equals, value = text.partition("=")
    keys = path.split(".")
    if not equals or not all(keys):
        raise ls.InputError(
            f"--where cannot be {text!r}", hint="write --where album=home, or --where a.b=1"
        )
    found: Any = _value(value)
    for key in reversed(keys):
        found = {key: found}
    document: dict[str, Any] = found
    return document


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text


def _no_number(word: str) -> Any:
    raise ValueError(word)  # NaN and Infinity are no JSON: here they are text


def _region(text: str | None, like: str | None, like_id: str | None) -> tuple[float, ...] | None:
    """LEFT:TOP:RIGHT:BOTTOM, or with commas, of the picture of --like or --like-id."""
    if text is None:
        return None
    form = "as --like FILE --region 0.1:0.2:0.6:0.9 (left, top, right, bottom)"
    if like is None and like_id is None:
        raise ls.InputError("--region is of a query picture, and none is named", hint=form)
    try:
        sides = tuple(float(side) for side in re.split("[:,]", text))
    except ValueError as fault:
        raise ls.InputError(f"--region cannot be {text!r}", hint=form) from fault
    return sides


def _id(argument: str) -> str:
    text = terminal.as_text(argument)
    if opening.has_raw_bytes(text):
        raise ls.LibraryMissing(
            f"no photo of this library has the id {text!r}",
            hint="ids are shown by: localsearch search ... --json",
        )
    return text


def pictures_of(text: list[str], like: str | None) -> list[str]:
    """The files that a query compares with, as they were written, for messages that name them."""
    found = [like] if like else []
    try:
        ahead = [ls.parse(_joined(text))] if text else []
    except ls.LocalsearchError:  # the search itself tells what is wrong
        ahead = []
    while ahead:
        term: Any = ahead.pop()
        source = getattr(term, "source", None)
        found += [source] if isinstance(source, str) else []
        ahead += term if isinstance(term, tuple) else getattr(term, "terms", ())
        ahead += [term.term] if hasattr(term, "term") else []
    return found
