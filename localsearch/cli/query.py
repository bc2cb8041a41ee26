"""The query of a search from its arguments: TEXT and flags, all of which must hold.

Builds terms; knows no library and no concept, so that names are checked where the pack is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import localsearch as ls
from localsearch.cli import opening, terminal


def query_of(text: list[str], flags: list[ls.Term]) -> str | ls.Term:
    """TEXT and flags as one query. Raises InputError without any."""
    words = " ".join(map(terminal.as_text, text))
    if not words.strip() and not flags:
        raise ls.InputError(
            "nothing to search for",
            hint="name a concept (localsearch search dog), or give --like FILE or --tag T",
        )
    if not flags:
        return words
    tree = flags[0] if len(flags) == 1 else ls.And(tuple(flags))
    # The library parses text with the words of its pack, so both halves go there as text.
    return f"({words}) ({tree})" if words.strip() else tree


def terms_of(
    concepts: list[str],
    without: list[str],
    any_of: list[str],
    like: str | None,
    like_id: str | None,
    tags: list[str],
) -> list[ls.Term]:
    """One term a flag; `any_of` holds comma-separated names."""
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
        terms.append(ls.like(opening.absolute(Path(like))))
    if like_id is not None:
        terms.append(ls.like(id=_id(like_id)))
    terms += [ls.tag(*opening.tag_of(text)) for text in tags]
    return terms


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
        ahead = [ls.parse(" ".join(text))] if text else []
    except ls.LocalsearchError:  # the search itself tells what is wrong
        ahead = []
    while ahead:
        term: Any = ahead.pop()
        source = getattr(term, "source", None)
        found += [source] if isinstance(source, str) else []
        ahead += getattr(term, "terms", ())
        ahead += [term.term] if hasattr(term, "term") else []
    return found
