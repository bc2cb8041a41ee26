"""Every error that localsearch raises, as one tree.

    LocalsearchError                 code (frozen words), message, hint
    +- LibraryError                  the store or its roots
    |  +- LibraryMissing             no library here, or no such root or input
    |  +- LibraryBusy                another process writes: pid, since, doing
    |  +- LibraryTooNew              written by a newer version of the program
    |  +- LibraryDamaged             a file that holds the truth cannot be read
    |  |  +- LibrarySegmentDamaged   a derived file is damaged: it is rebuilt, never trusted
    |  +- LibraryReadOnly            a write was asked of a store that cannot be written
    |  +- LibraryFull                the disk is full
    |  +- LibraryUnsafe              a sync would hide more photos than is plausible
    |  +- LibraryClosed              the handle was closed
    |  +- LibraryPackChanged         a reindex made another pack the active one meanwhile
    +- PackError                     a model pack
    |  +- PackMissing                no pack of that name
    |  +- PackDamaged                a digest differs: expected and found are named
    |  +- PackProvider               the provider asked for cannot run here
    |  +- PackUnreachable            a pack could not be fetched: offline, refused, cut, too slow
    +- PictureError                  one picture: state and reason
    +- QueryError                    the query: column where known
    |  +- QueryUnknownConcept        no such concept; the nearest names are in the hint
    |  +- QueryNoText                free text, and the pack has no text part
    +- InputError                    an argument that cannot be used
    +- Cancelled                     the caller asked a call to stop
    +- DependencyMissing             a package that this needs is not installed

Rooms below raise these with `from`; a raw `sqlite3.Error` or a fault of ONNX Runtime never
leaves the house. The codes are part of the JSON output and are never renamed. Each survives
pickle and copy with all its attributes: it may come from a worker process.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

T = TypeVar("T", bound="LocalsearchError")


class LocalsearchError(Exception):
    """Base of all errors. `code` is stable; `hint` says what to do next (may be empty)."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (type(self), self.args), self.__dict__


def _made_again(kind: type[T], args: tuple[object, ...]) -> T:
    """An error without its attributes, which are set after it: `__init__` has arguments that
    `args` does not keep."""
    return kind.__new__(kind, *args)


class LibraryError(LocalsearchError):
    """The store, its files, or its roots."""

    code = "library"


class LibraryMissing(LibraryError):
    """There is no library, root or input of that name."""

    code = "library-missing"


class LibraryBusy(LibraryError):
    """Another process or thread is writing.

    `pid` (or None), `since` (seconds since 1970, or None) and `doing` tell who, as far as known.
    """

    code = "library-busy"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        pid: int | None = None,
        since: float | None = None,
        doing: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.pid = pid
        self.since = since
        self.doing = doing


class LibraryTooNew(LibraryError):
    """The store was written by a newer version; nothing was read or changed."""

    code = "library-too-new"


class LibraryDamaged(LibraryError):
    """A file that cannot be recomputed is damaged or missing."""

    code = "library-damaged"


class LibrarySegmentDamaged(LibraryDamaged):
    """A derived file (postings, matrix) is damaged, missing or cut short.

    Costs time only: the rows are answered from the features and the segment is built anew.
    `segment` is its name, once the room that knows it has set it. `missing` tells that a file is
    not there: a reader on an old list may have come too late, so it looks at the list again.
    """

    code = "segment-damaged"

    def __init__(
        self, message: str, *, hint: str = "", segment: str = "", missing: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.segment = segment
        self.missing = missing


class LibraryReadOnly(LibraryError):
    """A write was asked of a store that is or was opened read-only."""

    code = "library-read-only"


class LibraryFull(LibraryError):
    """No space is left on the disk of the store; what was committed is safe."""

    code = "disk-full"


class LibraryUnsafe(LibraryError):
    """A sync stopped because it would hide an implausible share of the photos."""

    code = "safety-stop"


class LibraryClosed(LibraryError):
    """The library was closed before this call."""

    code = "library-closed"


class LibraryPackChanged(LibraryError):
    """A reindex made another pack the active one while this call was under way.

    Nothing was mixed and nothing is half done: the same call, made again, uses the new pack.
    """

    code = "pack-changed"


class PackError(LocalsearchError):
    """A model pack."""

    code = "pack"


class PackMissing(PackError):
    """No pack of that name or at that place."""

    code = "pack-missing"


class PackDamaged(PackError):
    """A file of a pack differs from its manifest."""

    code = "pack-damaged"


class PackProvider(PackError):
    """The execution provider that was named cannot run here."""

    code = "pack-provider"


class PackUnreachable(PackError):
    """A pack could not be fetched from where it is published; what came so far is kept.

    `again`: another try may succeed at once, or after so many seconds as `after` says. `offline`:
    the name of the host leads nowhere, so this computer may have no network.
    """

    code = "pack-unreachable"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        again: bool = False,
        after: float = 0.0,
        offline: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.again, self.after, self.offline = again, after, offline


class PictureError(LocalsearchError):
    """One picture cannot be used; `state` is a word of `records.STATES`."""

    code = "picture"

    def __init__(self, state: str, reason: str, *, hint: str = "") -> None:
        super().__init__(reason, hint=hint)
        self.state = state
        self.reason = reason


class QueryError(LocalsearchError):
    """The query cannot be run; `column` (from 1) points into its text where there is one."""

    code = "query"

    def __init__(self, message: str, *, hint: str = "", column: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.column = column


class QueryUnknownConcept(QueryError):
    """No concept of this pack has that name or id."""

    code = "unknown-concept"


class QueryNoText(QueryError):
    """Free text was asked for, and the pack of this library cannot answer it."""

    code = "no-text"


class InputError(LocalsearchError):
    """An argument that cannot be used: wrong type, out of range, contradictory."""

    code = "input"


class Cancelled(LocalsearchError):
    """The caller asked this call to stop, and it did; nothing half-done is left."""

    code = "cancelled"


class DependencyMissing(LocalsearchError):
    """A package that this function needs is not installed."""

    code = "dependency-missing"
