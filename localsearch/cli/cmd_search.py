"""`localsearch search`: photos by concept, by likeness, by tag. Flags are sugar for the grammar."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand

import localsearch as ls
from localsearch.cli import opening, options, output, terminal
from localsearch.cli.query import (
    filters_of,
    in_columns_of,
    pictures_of,
    query_of,
    terms_of,
)
from localsearch.cli.telling import LOOKED_AT, TOLD, with_telling

LIMIT = 20  # hits a page, if nothing else is said
UNWRITABLE = 5  # exit code; the table of the others is in main.py


class Form(StrEnum):
    table = "table"
    json = "json"
    ndjson = "ndjson"
    csv = "csv"
    paths = "paths"


class Command(TyperCommand):
    """Lets a word of TEXT begin with a minus: `search -indoor` is no option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        takers = {
            name
            for option in self.params
            if not isinstance(option, TyperArgument) and not getattr(option, "is_flag", False)
            for name in option.opts
        }
        return super().parse_args(ctx, list(_marked(args, takers)))


def _marked(args: list[str], takers: set[str]) -> Iterator[str]:
    """The words, those of TEXT that begin with a minus marked as text; `takers` take the next."""
    left = iter(args)
    for arg in left:
        if arg == "--":
            yield arg
            break
        # A blank in front makes it text for the parser, and the grammar skips blanks.
        is_word = arg.startswith("-") and not arg.startswith("--") and arg not in ("-", "-0", "-h")
        yield f" {arg}" if is_word else arg
        if arg in takers:
            yield from islice(left, 1)
    yield from left


Names = list[str] | None

Text = Annotated[
    Names,
    typer.Argument(
        metavar="TEXT",
        help="Concepts, or what is on it in English; -WORD: without it. Also: (cat or dog).",
        show_default=False,
    ),
]
Concepts = Annotated[Names, typer.Option("--concept", metavar="N", help="With it; repeatable.")]
Without = Annotated[Names, typer.Option("--not", metavar="N", help="Without it; repeatable.")]
AnyOf = Annotated[Names, typer.Option("--any-of", metavar="A,B", help="With at least one.")]
Like = Annotated[str | None, typer.Option("--like", metavar="FILE", help="Similar to a picture.")]
LikeId = Annotated[
    str | None, typer.Option("--like-id", metavar="ID", help="Similar to a photo in here.")
]
Tags = Annotated[Names, typer.Option("--tag", metavar="T", help="Tagged so; also T=false.")]
Region = Annotated[
    str | None,
    typer.Option("--region", metavar="L:T:R:B", help="Only this part of that picture, 0 to 1."),
]
Where = Annotated[
    Names, typer.Option("--where", metavar="K=V", help="With this metadata; repeatable.")
]
Taken = Annotated[
    str | None, typer.Option("--taken", metavar="SPAN", help="As 2024-05, or 2024-05..2024-08.")
]
Near = Annotated[
    str | None, typer.Option("--near", metavar="LAT,LON,KM", help="Taken near, as 48.1,11.6,5km.")
]
Box = Annotated[
    str | None, typer.Option("--box", metavar="S,W,N,E", help="Taken inside, in degrees.")
]
Camera = Annotated[
    str | None, typer.Option("--camera", metavar="NAME", help="Taken with such a camera.")
]
Explain = Annotated[bool, typer.Option("--explain", help="Show how it is searched, no hits.")]
Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=1, help="Hits a page.", show_default="20"),
]
PageNumber = Annotated[
    int | None,
    typer.Option("--page", metavar="N", min=1, help="Which page.", show_default="1"),
]
All = Annotated[bool, typer.Option("--all", help="All hits, on no page.")]
Fold = Annotated[
    bool, typer.Option("--fold", help="Of a burst only the best hit; (+3): so many are folded.")
]
MinScore = Annotated[
    float,
    typer.Option("--min-score", metavar="S", min=0.0, max=1.0, help="Leave out what is below."),
]
Format = Annotated[
    Form, typer.Option("--format", metavar="table|json|ndjson|csv|paths", help="How to print.")
]
Nul = Annotated[bool, typer.Option("-0", help="Paths, each ended by a NUL byte.")]
Open = Annotated[bool, typer.Option("--open", help="Show a contact sheet.")]
Sheet = Annotated[
    Path | None, typer.Option("--sheet", metavar="FILE", help="Write a contact sheet (HTML).")
]


def run(
    ctx: typer.Context,
    text: Text = None,
    concept: Concepts = None,
    without: Without = None,
    any_of: AnyOf = None,
    like: Like = None,
    like_id: LikeId = None,
    region: Region = None,
    tag: Tags = None,
    where: Where = None,
    taken: Taken = None,
    near: Near = None,
    box: Box = None,
    camera: Camera = None,
    limit: Limit = None,
    page: PageNumber = None,
    everything: All = False,
    fold: Fold = False,
    min_score: MinScore = 0.0,
    form: Format = Form.table,
    nul: Nul = False,
    show: Open = False,
    sheet: Sheet = None,
    explain: Explain = False,
    library: options.Store = None,
    json: options.Json = False,
) -> None:
    """Find photos by what is in them, or by what they look like."""
    flags = terms_of(concept or [], without or [], any_of or [], like, like_id, tag or [], region)
    flags += filters_of(where or [], taken, near, box, camera)
    query = query_of(text or [], flags)
    size, number = _cut(limit, page, everything, fold)
    form = Form.json if json else Form.paths if nul else form
    _check_explain(explain, page or everything or sheet or show or fold)
    sheet_failed = False
    with (
        in_columns_of(text or [], flags),
        opening.naming(pictures_of(text or [], like)),
        opening.open_to_read(ctx, library) as opened,
    ):
        if explain:
            _explain(opened.explain(query, limit=size, min_score=min_score), query, form)
            return
        seen = LOOKED_AT if form is Form.table else TOLD
        told: dict[str, Any] = {"min_score": min_score, "concepts": seen}
        found = opened.search(query, limit=size, page=number, fold=fold, **told)
        hits = opened.scan(query, **told) if everything else iter(found)
        if sheet or show:
            kept = list(hits)
            hits = iter(kept)
            sheet_failed = not _sheet(opened, query, with_telling(opened, kept), sheet, show)
        if form is Form.table:
            hits = iter(with_telling(opened, list(hits)))
        _print(hits, found, form, nul)
    _more(found, everything, size, form, fold)
    for note in found.notes if form is not Form.json else ():
        terminal.note(note)
    if sheet_failed:
        raise typer.Exit(UNWRITABLE)


def _check_explain(explain: bool, others: object) -> None:
    """Raise InputError where options speak of hits that are not shown."""
    if explain and others:
        hint = "leave out --page, --all, --fold, --sheet and --open"
        raise ls.InputError("--explain shows no hits", hint=hint)


def _cut(limit: int | None, page: int | None, everything: bool, fold: bool) -> tuple[int, int]:
    """(hits a page, page) to ask for. Raises InputError where --all contradicts them."""
    if not everything:
        return limit or LIMIT, page or 1
    if fold:
        raise ls.InputError(
            "--all streams, and --fold compares", hint="leave out --all, and give a large --limit"
        )
    if limit is not None or page is not None:
        raise ls.InputError(
            "--all has no pages", hint="leave out --limit and --page, or leave out --all"
        )
    return 1, 1  # asked for the total and the route only


def _explain(told: ls.Explanation, query: str | ls.Term, form: Form) -> None:
    from localsearch.cli.output import keeping

    if form is Form.json:
        output.print_json(keeping.explanation_json(str(query), told))
    elif form is Form.table:
        keeping.print_explanation(told)
    else:
        raise ls.InputError(f"--explain has no {form} form", hint="use --json, or no --format")


def _print(hits: Iterator[ls.Hit], found: ls.Page, form: Form, nul: bool) -> None:
    if form is Form.json:
        output.print_json(output.hits_json(hits, found.total, found.page, found.route, found.notes))
    elif form is Form.ndjson:
        output.print_ndjson(hits)
    elif form is Form.csv:
        output.print_csv(hits)
    elif form is Form.paths:
        output.print_paths(hits, nul=nul)
    else:
        output.print_hits(list(hits))


def _more(found: ls.Page, everything: bool, limit: int, form: Form, fold: bool) -> None:
    """What was left out, on stderr, so that stdout holds hits only; in a pipe only "none"."""
    if found.total and found.page > 1 and not len(found):
        told = "1 photo matches" if found.total == 1 else f"{found.total:,} photos match"
        last = f"the last page is {-(-found.total // limit):,}"
        terminal.note(f"{told}; {'an earlier page is the last, folded' if fold else last}")
    elif form is not Form.table:
        return
    elif not found.total:
        terminal.note("no photo matches")
    elif fold and terminal.is_terminal(sys.stderr):
        hidden = sum(hit.folded for hit in found)
        more = f"; more: --page {found.page + 1}" if found.more else ""
        terminal.note(f"{len(found):,} shown, {hidden:,} folded of {found.total:,}{more}", "dim")
    elif not everything and found.page * limit < found.total and terminal.is_terminal(sys.stderr):
        told = f"{len(found):,} of {found.total:,}; more: --page {found.page + 1}, or --all"
        terminal.note(told, "dim")


def _sheet(
    library: ls.Library, query: str | ls.Term, hits: list[ls.Hit], target: Path | None, show: bool
) -> bool:
    """Write and show the sheet; False (and told) if our own place for it cannot be written."""
    from localsearch.cli.sheets import cache_folder, show_sheet, write_sheet

    named = target is not None
    if target is None:
        import hashlib  # three milliseconds, for a sheet only

        # One file a query: the sheets of two searches may be open side by side.
        name = hashlib.sha256(f"{library.store}\0{query}".encode("utf-8", "replace")).hexdigest()
        target = cache_folder() / "sheets" / f"{name[:16]}.html"
    try:
        written = write_sheet(library, str(query), hits, opening.absolute(target))
    except ls.LocalsearchError as fault:
        if named:
            raise
        terminal.note(f"the contact sheet: {fault.message}; {fault.hint}", "red")
        return False
    if show and not show_sheet(written):
        terminal.note(f"no browser could be opened; the sheet is {written}")
    elif not show:
        terminal.note(f"contact sheet: {written}", "dim")
    return True
