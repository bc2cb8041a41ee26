"""What every handle of a library does first: it is open, may write or not, and is closed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from localsearch.catalog.forks import inside
from localsearch.catalog.truth import Truth
from localsearch.errors import LibraryClosed, LibraryPackChanged, LibraryReadOnly, QueryError
from localsearch.library import shared
from localsearch.library.opened_with import Options
from localsearch.library.parts import Parts
from localsearch.pack import Pack

T = TypeVar("T")
Held = TypeVar("Held", bound="OpenedLibrary")

Again = Callable[[], tuple[Truth, Pack, Sequence[str]]]
"""Opens the store anew, with the pack that is active by then; the texts are notes."""

_FOLLOWING = threading.Lock()  # of all handles: for the moment of an exchange


class OpenedLibrary:
    """The life of a handle, without what it is for: `Library` is that."""

    def __init__(
        self, truth: Truth, pack: Pack, options: Options, notes: Sequence[str], *, again: Again
    ) -> None:
        self._shared, self._inner = shared.join(truth, pack, options)
        self._options, self._notes, self._again = options, tuple(notes), again
        self._closed = False

    def __enter__(self: Held) -> Held:
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<localsearch.Library {self.store}>"

    @property
    def _parts(self) -> Parts:
        self._check_open()
        self._follow_pack()
        return self._inner

    def _follow_pack(self) -> None:
        """Stand on the pack that is active now: a reindex, here or elsewhere, may have changed it.

        What other threads are doing with the former one ends as it began, or by
        LibraryPackChanged; it is given back when the last of them lets go of it.
        """
        try:
            with self._inner.truth.catalog.reading():
                return
        except LibraryPackChanged:
            former, inner = self._shared, self._inner
        truth, pack, notes = self._again()
        with inside(), _FOLLOWING:
            mine = self._inner is inner and not self._closed
            if mine:
                self._shared, self._inner = shared.join(truth, pack, self._options)
                self._notes = tuple(notes)
        if mine:
            shared.part(former, inner)
        else:
            truth.close()  # another thread was quicker, or has closed the library
        self._check_open()

    def _with_parts(self, do: Callable[[Parts], T]) -> T:
        """Do what only reads; once more if it turns out that the pack has changed.

        Without a look ahead, which would cost a small search a tenth of its time: its transaction
        tells. So does a query that the former pack does not understand.
        """
        self._check_open()
        inner = self._inner
        try:
            return do(inner)
        except (LibraryPackChanged, QueryError):
            if self._parts is inner:
                raise
            return do(self._parts)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Calls of this thread inside the block see one state of the library, and cost less.

        What others write meanwhile is seen after it. For moments: the catalog's log of changes
        cannot be shortened behind what is being read.
        """
        self._check_open()
        with ExitStack() as stack:
            try:
                stack.enter_context(self._inner.truth.catalog.reading())
            except LibraryPackChanged:
                stack.enter_context(self._parts.truth.catalog.reading())
            yield

    def _check_open(self) -> None:
        if self._closed:
            raise LibraryClosed("this library is closed", hint="open it again")

    def _writable(self) -> Parts:
        parts = self._parts
        if self._options.read_only:
            raise LibraryReadOnly("this library was opened read-only", hint="open it without it")
        return parts

    def _streamed(self, items: Iterator[T]) -> Iterator[T]:
        """Items while the library is open; what was fetched ahead is not given after that."""
        for item in items:
            self._check_open()
            yield item

    @property
    def store(self) -> Path:
        """The folder of the store."""
        return self._inner.truth.store

    @property
    def pack_name(self) -> str:
        """The name of the pack that this library uses."""
        return (self._inner if self._closed else self._parts).pack.name

    @property
    def read_only(self) -> bool:
        """Whether it was opened without the right to write."""
        return self._options.read_only

    def close(self) -> None:
        """Close all files and models; twice does no harm."""
        with inside(), _FOLLOWING:
            closed, self._closed = self._closed, True
        if not closed:
            shared.leave(self._shared, self._inner)
