"""`localsearch demo`: the whole way once, on photos that ship with the package.

Everything it writes lies below the program's cache folder and is named at the end. It starts
anew each time, so that it shows a first sync each time.
"""

from __future__ import annotations

import shutil
from contextlib import chdir
from importlib import resources
from pathlib import Path

import localsearch as ls
from localsearch.cli import options, output, terminal
from localsearch.cli.progress import polite_interrupt, progress_bar
from localsearch.cli.sheets import cache_folder, write_sheet
from localsearch.cli.telling import LOOKED_AT, with_telling
from localsearch.deferred import dataclass

_CONCEPT = "animal -cat"
_LIKE = "cat.jpg"
_PICTURE = "dog.jpg"
_SHEET = "animal"
_HITS, _BARS = 5, 12  # what fits beside its headings on a terminal of 40 lines
_OWN = ("cd ~/Pictures", "localsearch sync", "localsearch search dog")


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the demo found, for either form of output."""

    report: ls.SyncReport
    concept: ls.Page
    like: ls.Page
    told: tuple[list[ls.Hit], list[ls.Hit]]
    concepts: tuple[ls.ConceptValue, ...]
    sheet: Path


def run(json: options.Json = False) -> None:
    """Try everything on a few photos that come along."""
    folder = cache_folder() / "demo"
    photos = _lay_out(folder)
    with ls.open(store=folder / "store", roots={"photos": photos}) as library:
        report = _sync(library)
        concept = library.search(_CONCEPT, limit=_HITS, concepts=LOOKED_AT)
        like = library.search(ls.like(photos / _LIKE), limit=_HITS, concepts=LOOKED_AT)
        animals = with_telling(library, library.search(_SHEET, concepts=LOOKED_AT).hits)
        shown = _Shown(
            report=report,
            concept=concept,
            like=like,
            told=(with_telling(library, concept.hits), with_telling(library, like.hits)),
            concepts=library.predict(photos / _PICTURE, limit=_BARS),
            sheet=write_sheet(library, _SHEET, animals, folder / "sheet.html"),
        )
    if json:
        output.print_json(_json(folder, shown))
    else:
        _tell(folder, photos, shown)


def _lay_out(folder: Path) -> Path:
    """Fresh copies of the photos in `folder`; the store of an earlier demo goes."""
    source = resources.files("localsearch") / "_demo" / "photos"
    photos = folder / "photos"
    try:
        # The photo folder stays, because a user may stand in it; only the store begins anew.
        shutil.rmtree(folder / "store", ignore_errors=True)
        photos.mkdir(parents=True, exist_ok=True)
        for one in source.iterdir():
            (photos / one.name).write_bytes(one.read_bytes())
    except OSError as fault:
        raise ls.LibraryReadOnly(
            f"cannot write the demo to {folder}: {fault.strerror or fault}",
            hint="make that folder writable, or set XDG_CACHE_HOME to one that is",
        ) from fault
    return photos


def _sync(library: ls.Library) -> ls.SyncReport:
    with polite_interrupt() as stop, progress_bar() as draw:
        report = library.sync(progress=draw, stop=stop)
    if report.stopped:
        raise KeyboardInterrupt
    return report


def _tell(folder: Path, photos: Path, shown: _Shown) -> None:
    with chdir(photos):  # so that paths are shown as they would be there
        _heading(1, "Look at the photos", "localsearch sync")
        output.print_sync(shown.report)
        _heading(2, "Search by what is in them", f'localsearch search "{_CONCEPT}"')
        output.print_hits(shown.told[0])
        _heading(3, "Search by likeness", f"localsearch search --like {_LIKE}")
        output.print_hits(shown.told[1])
        _heading(4, "What is in one photo", f"localsearch predict {_PICTURE}")
        output.print_bars(shown.concepts)
    _heading(5, "A contact sheet", f"localsearch search {_SHEET} --sheet sheet.html")
    terminal.say(shown.sheet.as_uri())
    terminal.say("\nYour own photos (they are never changed, moved or sent):", "bold")
    for line in _OWN:
        terminal.say(f"  {line}", "green")
    terminal.say(f"\nThe demo wrote only below {folder}; delete that folder at any time.", "dim")


def _heading(number: int, what: str, command: str) -> None:
    terminal.say(("\n" if number > 1 else "") + f"{number}. {what}", "bold")
    terminal.say(f"$ {command}", "green")


def _json(folder: Path, shown: _Shown) -> dict[str, object]:
    concept, like = shown.concept, shown.like
    return {
        "folder": str(folder),
        "store": str(folder / "store"),
        "sheet": str(shown.sheet),
        "sync": output.sync_json(shown.report),
        "search": {
            "query": _CONCEPT,
            **output.hits_json(concept.hits, concept.total, concept.page, concept.route),
        },
        "like": {
            "query": _LIKE,
            **output.hits_json(like.hits, like.total, like.page, like.route),
        },
        "predict": {"file": _PICTURE, "concepts": output.concepts_json(shown.concepts)},
        "commands": list(_OWN),
    }
