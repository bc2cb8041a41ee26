"""localsearch: a local, offline search engine for photos, by concept and by likeness.

    import localsearch as ls

    with ls.open("~/Pictures") as library:
        library.sync()
        for hit in library.search(ls.concept("dog"), limit=20):
            print(hit.score, hit.path)

This file is the counter: the names that programs may use. They are loaded when first asked for,
so that `import localsearch` costs next to nothing and imports neither numpy nor sqlite3.
"""

from __future__ import annotations

from importlib import import_module

# Type checkers take it for True. Importing `typing` for it would cost ten times this file.
TYPE_CHECKING = False

__version__ = "0.1.0"

# Public name -> the room it comes from. `__all__` is checked against it by tests/test_counter.py.
_ROOMS = {
    "localsearch.library": ("Library", "find_store", "init", "open"),
    "localsearch.library.exchanging": ("recover",),
    "localsearch.search.terms": (
        "And",
        "Not",
        "Or",
        "Term",
        "box",
        "camera",
        "concept",
        "ids",
        "like",
        "metadata",
        "near",
        "path",
        "state",
        "tag",
        "taken",
        "text",
    ),
    "localsearch.search.grammar": ("parse",),
    "localsearch.search.page": ("Page",),
    "localsearch.records": (
        "Added",
        "BackupReport",
        "Change",
        "Changes",
        "Compacted",
        "ConceptInfo",
        "ConceptValue",
        "DuplicateGroup",
        "DuplicatePhoto",
        "Duplicates",
        "Explained",
        "Explanation",
        "Finding",
        "Hit",
        "ImportReport",
        "Input",
        "Original",
        "Note",
        "Progress",
        "Recovered",
        "ReindexReport",
        "Root",
        "Status",
        "SyncEstimate",
        "SyncReport",
        "Taught",
        "Why",
    ),
    "localsearch.errors": (
        "Cancelled",
        "DependencyMissing",
        "InputError",
        "LibraryBusy",
        "LibraryClosed",
        "LibraryDamaged",
        "LibraryError",
        "LibraryFull",
        "LibraryMissing",
        "LibraryPackChanged",
        "LibraryReadOnly",
        "LibrarySegmentDamaged",
        "LibraryTooNew",
        "LibraryUnsafe",
        "LocalsearchError",
        "PackDamaged",
        "PackError",
        "PackMissing",
        "PackProvider",
        "PackUnreachable",
        "PictureError",
        "QueryError",
        "QueryNoText",
        "QueryUnknownConcept",
    ),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

if TYPE_CHECKING:
    from typing import Any

    from localsearch.errors import (
        Cancelled,
        DependencyMissing,
        InputError,
        LibraryBusy,
        LibraryClosed,
        LibraryDamaged,
        LibraryError,
        LibraryFull,
        LibraryMissing,
        LibraryPackChanged,
        LibraryReadOnly,
        LibrarySegmentDamaged,
        LibraryTooNew,
        LibraryUnsafe,
        LocalsearchError,
        PackDamaged,
        PackError,
        PackMissing,
        PackProvider,
        PackUnreachable,
        PictureError,
        QueryError,
        QueryNoText,
        QueryUnknownConcept,
    )
    from localsearch.library import Library, find_store, init, open
    from localsearch.library.exchanging import recover
    from localsearch.records import (
        Added,
        BackupReport,
        Change,
        Changes,
        Compacted,
        ConceptInfo,
        ConceptValue,
        DuplicateGroup,
        DuplicatePhoto,
        Duplicates,
        Explained,
        Explanation,
        Finding,
        Hit,
        ImportReport,
        Input,
        Note,
        Original,
        Progress,
        Recovered,
        ReindexReport,
        Root,
        Status,
        SyncEstimate,
        SyncReport,
        Taught,
        Why,
    )
    from localsearch.search.grammar import parse
    from localsearch.search.page import Page
    from localsearch.search.terms import (
        And,
        Not,
        Or,
        Term,
        box,
        camera,
        concept,
        ids,
        like,
        metadata,
        near,
        path,
        state,
        tag,
        taken,
        text,
    )

__all__ = [
    "Added",
    "And",
    "BackupReport",
    "Cancelled",
    "Change",
    "Changes",
    "Compacted",
    "ConceptInfo",
    "ConceptValue",
    "DependencyMissing",
    "DuplicateGroup",
    "DuplicatePhoto",
    "Duplicates",
    "Explained",
    "Explanation",
    "Finding",
    "Hit",
    "ImportReport",
    "Input",
    "InputError",
    "Library",
    "LibraryBusy",
    "LibraryClosed",
    "LibraryDamaged",
    "LibraryError",
    "LibraryFull",
    "LibraryMissing",
    "LibraryPackChanged",
    "LibraryReadOnly",
    "LibrarySegmentDamaged",
    "LibraryTooNew",
    "LibraryUnsafe",
    "LocalsearchError",
    "Not",
    "Note",
    "Or",
    "Original",
    "PackDamaged",
    "PackError",
    "PackMissing",
    "PackProvider",
    "PackUnreachable",
    "Page",
    "PictureError",
    "Progress",
    "QueryError",
    "QueryNoText",
    "QueryUnknownConcept",
    "Recovered",
    "ReindexReport",
    "Root",
    "Status",
    "SyncEstimate",
    "SyncReport",
    "Taught",
    "Term",
    "Why",
    "__version__",
    "box",
    "camera",
    "concept",
    "find_store",
    "ids",
    "init",
    "like",
    "metadata",
    "near",
    "open",
    "parse",
    "path",
    "recover",
    "state",
    "tag",
    "taken",
    "text",
]


def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module 'localsearch' has no attribute {name!r}")
    value = getattr(import_module(room), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
