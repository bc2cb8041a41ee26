"""The query of a search from its arguments: TEXT and flags, all of which must hold.

Builds terms; knows no library and no concept, so that names are checked where the pack is.
"""

from __future__ import annotations

from pathlib import Path

import localsearch as ls
from localsearch.cli import opening


def query_of(text: list[str], flags: list[ls.Term]) -> str | ls.Term:
    """TEXT and flags as one query. Raises InputError without any."""
    words = " ".join(text)
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
    like: Path | None,
    like_id: str | None,
    tags: list[str],
) -> list[ls.Term]:
    """One term a flag; `any_of` holds comma-separated names."""
    terms = [ls.concept(name) for name in concepts]
    terms += [~ls.concept(name) for name in without]
    for names in any_of:
        few = [ls.concept(name.strip()) for name in names.split(",") if name.strip()]
        if not few:
            raise ls.InputError("--any-of has no names", hint="write --any-of cat,dog")
        terms.append(few[0] if len(few) == 1 else ls.Or(tuple(few)))
    if like is not None:
        terms.append(ls.like(opening.absolute(like)))
    if like_id is not None:
        terms.append(ls.like(id=like_id))
    terms += [ls.tag(*opening.tag_of(text)) for text in tags]
    return terms
