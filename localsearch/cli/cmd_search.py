"""`localsearch search`: photos by concept, by likeness, by tag. Flags are sugar for the grammar."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import localsearch as ls
from localsearch.cli import opening, options, output, terminal
from localsearch.cli.sheets import cache_folder, show_sheet, write_sheet
from localsearch.cli.telling import with_telling


class Form(StrEnum):
    table = "table"
    json = "json"
    ndjson = "ndjson"
    csv = "csv"
    paths = "paths"


def run(
    ctx: typer.Context,
    text: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT",
            help="Concepts, all of which must be there; -WORD: must not. Also: (cat or dog).",
            show_default=False,
        ),
    ] = None,
    concept: Annotated[
        list[str] | None, typer.Option("--concept", metavar="N", help="With it; repeatable.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--not", metavar="N", help="Without it; repeatable.")
    ] = None,
    any_of: Annotated[
        list[str] | None, typer.Option("--any-of", metavar="A,B", help="With at least one of them.")
    ] = None,
    like: Annotated[
        Path | None, typer.Option("--like", metavar="FILE", help="Similar to a picture.")
    ] = None,
    like_id: Annotated[
        str | None, typer.Option("--like-id", metavar="ID", help="Similar to a photo in here.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="T", help="Tagged so; also T=false.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Hits a page.")] = 20,
    page: Annotated[int, typer.Option("--page", metavar="N", min=1, help="Which page.")] = 1,
    everything: Annotated[bool, typer.Option("--all", help="All hits, on no page.")] = False,
    min_score: Annotated[
        float,
        typer.Option("--min-score", metavar="S", min=0.0, max=1.0, help="Leave out what is below."),
    ] = 0.0,
    form: Annotated[
        Form, typer.Option("--format", metavar="table|json|ndjson|csv|paths", help="How to print.")
    ] = Form.table,
    nul: Annotated[bool, typer.Option("-0", help="Paths, each ended by a NUL byte.")] = False,
    show: Annotated[bool, typer.Option("--open", help="Show a contact sheet.")] = False,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", metavar="FILE", help="Write a contact sheet (HTML).")
    ] = None,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Find photos by what is in them, or by what they look like."""
    words = " ".join(text or ())
    _refuse_options(text or [])
    flags = _flags(concept or [], without or [], any_of or [], like, like_id, tag or [])
    query = _query(words, flags)
    form = Form.json if json else Form.paths if nul else form
    with opening.naming(like), opening.open_to_read(ctx, library) as opened:
        if everything:
            limit = page = 1  # asked for the total and the route only
        found = opened.search(query, limit=limit, page=page, min_score=min_score)
        hits = opened.scan(query, min_score=min_score) if everything else iter(found)
        if sheet or show:
            kept = list(hits)
            hits = iter(kept)
            _sheet(opened, query, with_telling(opened, kept), sheet, show)
        if form is Form.table:
            hits = iter(with_telling(opened, list(hits)))
        _print(hits, found, form, nul)
    if form is Form.table:
        _more(found, everything, limit)


def _refuse_options(text: list[str]) -> None:
    """Unknown options arrive as TEXT (so that `-indoor` can); `--limt` is still a mistake."""
    for word in text:
        if word.startswith("--"):
            raise ls.InputError(f"there is no option {word}", hint="see: localsearch search --help")


def _flags(
    concepts: list[str],
    without: list[str],
    any_of: list[str],
    like: Path | None,
    like_id: str | None,
    tags: list[str],
) -> list[ls.Term]:
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


def _query(words: str, flags: list[ls.Term]) -> str | ls.Term:
    """TEXT and flags as one query; they must all hold."""
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


def _print(hits: Iterator[ls.Hit], found: ls.Page, form: Form, nul: bool) -> None:
    if form is Form.json:
        output.print_json(output.hits_json(hits, found.total, found.page, found.route))
    elif form is Form.ndjson:
        output.print_ndjson(hits)
    elif form is Form.csv:
        output.print_csv(hits)
    elif form is Form.paths:
        output.print_paths(hits, nul=nul)
    else:
        output.print_hits(list(hits))


def _more(found: ls.Page, everything: bool, limit: int) -> None:
    """What was left out, on stderr, so that stdout holds hits only; in a pipe only "none"."""
    if not found.total:
        terminal.note("no photo matches")
    elif not everything and found.page * limit < found.total and terminal.is_terminal(sys.stderr):
        told = f"{len(found):,} of {found.total:,}; more: --page {found.page + 1}, or --all"
        terminal.note(told, "dim")


def _sheet(
    library: ls.Library, query: str | ls.Term, hits: list[ls.Hit], target: Path | None, show: bool
) -> None:
    if target is None:
        # One file a query: the sheets of two searches may be open side by side.
        name = hashlib.sha256(f"{library.store}\0{query}".encode("utf-8", "replace")).hexdigest()
        target = cache_folder() / "sheets" / f"{name[:16]}.html"
    written = write_sheet(library, str(query), hits, opening.absolute(target))
    if show and not show_sheet(written):
        terminal.note(f"no browser could be opened; the sheet is {written}")
    elif not show:
        terminal.note(f"contact sheet: {written}", "dim")
