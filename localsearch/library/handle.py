"""The library handle: every method is one composition of the rooms below, and holds no logic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsearch.catalog.truth import Truth
from localsearch.errors import LibraryClosed, LibraryReadOnly
from localsearch.library import editing
from localsearch.library.editing import Ids
from localsearch.library.later import Later
from localsearch.library.live import LiveState
from localsearch.library.models import Models
from localsearch.library.parts import Parts
from localsearch.library.places import AnyPath, absolute
from localsearch.pack import Pack
from localsearch.records import (
    Added,
    ConceptInfo,
    ConceptValue,
    Finding,
    Hit,
    Input,
    Progress,
    Root,
    Status,
    SyncEstimate,
    SyncReport,
)

if TYPE_CHECKING:
    from PIL.Image import Image

    from localsearch.library import finding, folders, looking, syncing
    from localsearch.library.syncing import Stop
    from localsearch.search.page import Page
    from localsearch.search.terms import Term
    from localsearch.sync import adding
else:
    adding = Later("localsearch.sync.adding")
    finding = Later("localsearch.library.finding")
    folders = Later("localsearch.library.folders")
    looking = Later("localsearch.library.looking")
    syncing = Later("localsearch.library.syncing")


@dataclass(frozen=True, slots=True)
class Options:
    """How a library was opened; see `localsearch.open`."""

    provider: str = "auto"
    read_only: bool = False
    memory: int = 256 << 20
    threads: int | None = None
    lock_timeout: float = 10.0
    thumbnails: bool = True


class Library:
    """A photo library: a store, its photo folders, and the pack that looks at them.

    Made by `localsearch.open`. Any thread may call; close it, or use it as a context manager.
    A forgotten `close` loses nothing.
    """

    def __init__(self, truth: Truth, pack: Pack, options: Options, notes: Sequence[str]) -> None:
        models = Models(pack, options.provider, options.memory, options.threads)
        self._inner = Parts(truth, pack, LiveState(truth, pack), models)
        self._options, self._notes = options, tuple(notes)
        self._closed = False

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<localsearch.Library {self.store}>"

    @property
    def _parts(self) -> Parts:
        if self._closed:
            raise LibraryClosed("this library is closed", hint="open it again")
        return self._inner

    def _writable(self) -> Parts:
        if self._options.read_only:
            raise LibraryReadOnly("this library was opened read-only", hint="open it without it")
        return self._parts

    @property
    def store(self) -> Path:
        """The folder of the store."""
        return self._inner.truth.store

    @property
    def pack_name(self) -> str:
        """The name of the pack that this library uses."""
        return self._inner.pack.name

    @property
    def read_only(self) -> bool:
        """Whether it was opened without the right to write."""
        return self._options.read_only

    def close(self) -> None:
        """Close all files and models. Calling it twice does no harm."""
        if not self._closed:
            self._closed = True
            self._inner.models.close()
            self._inner.live.forget()
            self._inner.truth.close()

    # -- photo folders ---------------------------------------------------------------------

    def roots(self) -> tuple[Root, ...]:
        """The photo folders, each with whether it can be reached now."""
        return folders.describe_roots(self._parts)

    def add_root(
        self, path: AnyPath, name: str | None = None, ignore: Sequence[str] | None = None
    ) -> Root:
        """Add a photo folder. `ignore`: patterns as in .gitignore; for a folder that is a root
        already they replace its rules. Nothing is read until `sync`.

        Raises LibraryMissing (no such folder), InputError (it lies in another root, or holds one).
        """
        folder = absolute(path)
        folders.add_root(self._writable(), folder, name, ignore)
        return next(root for root in self.roots() if root.path.resolve() == folder.resolve())

    def move_root(self, name: str, path: AnyPath) -> Root:
        """Tell where a photo folder lies now; ids, tags and features are kept."""
        folder = absolute(path)
        folders.move_root(self._writable(), name, folder)
        return next(root for root in self.roots() if root.name == name)

    def drop_root(self, name: str) -> int:
        """Forget a photo folder and all its inputs, for good; gives how many. Files stay."""
        return editing.drop_root(self._writable().truth, folders.root_named(self._parts, name).key)

    def find_roots_again(self) -> None:
        """Look for roots that moved with their drive or their store, and remember the place."""
        folders.note_moved(self._writable())

    # -- photos in ---------------------------------------------------------------------------

    def sync(
        self,
        *,
        paths: Iterable[AnyPath] | None = None,
        roots: Iterable[str] | None = None,
        progress: Callable[[Progress], None] | None = None,
        stop: Stop = None,
        threads: int | None = None,
        gentle: bool = False,
        allow_removals: bool = False,
    ) -> SyncReport:
        """Bring the library to what the folders show: all roots, the named `roots`, or `paths`.

        Photos are found while it runs. `progress` is called on this thread, at most ten times a
        second and once at the end; an exception from it stops the sync cleanly and is raised.
        `stop` (an Event, or a function that gives True) ends within the batch in flight.
        A bad photo is a failure in the report, never an exception. Raises LibraryUnsafe if more
        than a fifth of a root or of a first-level folder is gone (`allow_removals` lets it pass),
        LibraryBusy if another process syncs, LibraryFull, InputError for a path outside all roots.
        """
        parts = self._writable()
        orders = syncing.orders_of(
            parts,
            progress=progress,
            stop=syncing.stop_of(stop),
            threads=threads,
            gentle=gentle,
            thumbnails=self._options.thumbnails,
            allow_removals=allow_removals,
            publishing=syncing.publisher(parts, self._options.lock_timeout),
        )
        named = None if paths is None else [absolute(path) for path in paths]
        return syncing.run_sync(
            parts, orders, paths=named, names=roots, lock_timeout=self._options.lock_timeout
        )

    def estimate(self, *, roots: Iterable[str] | None = None, stop: Stop = None) -> SyncEstimate:
        """A dry run: what a sync would do, how long it takes, what limits it, the disk it needs.

        Reads up to fifty photos; writes nothing.
        """
        orders = syncing.orders_of(
            self._parts,
            progress=None,
            stop=syncing.stop_of(stop),
            threads=None,
            gentle=False,
            thumbnails=self._options.thumbnails,
            allow_removals=False,
            publishing=lambda whole: None,
        )
        return syncing.run_estimate(self._parts, orders, roots)

    def add(
        self,
        source: Any = None,
        *,
        base64: str | None = None,
        data: bytes | None = None,
        id: str | None = None,
        tags: Mapping[str, bool] | Iterable[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        source_url: str | None = None,
    ) -> Added:
        """Add one picture: a path, bytes, file object, PIL image or HxWx3 uint8 RGB array.

        `base64` takes base64 text or a data URI, `data` encoded bytes. `id`: your own, or a new
        one is given. A picture that cannot be read is an input with that state and reason.
        """
        new = adding.NewInput(
            source, base64, data, id, adding.tags_of(tags), dict(metadata or {}), source_url
        )
        adding.check_new(new)
        return next(iter(self._add([new], None)))

    def add_many(self, sources: Iterable[Any], *, stop: Stop = None) -> Iterator[Added]:
        """Add many, in order, one result each; a mapping holds the arguments of `add`."""
        return self._add((adding.new_input(source) for source in sources), stop)

    def _add(self, news: Iterable[adding.NewInput], stop: Stop) -> Iterator[Added]:
        return syncing.run_add(self._writable(), news, stop, self._options.lock_timeout)

    # -- searching ---------------------------------------------------------------------------

    def search(
        self, query: Term | str, *, limit: int = 20, page: int = 1, min_score: float = 0.0
    ) -> Page:
        """One page of hits, best first. `query` is a term, or text as for `localsearch.parse`.

        Raises QueryError (and QueryUnknownConcept with the nearest names), PictureError (the
        query picture cannot be read), InputError (limit or page below 1).
        """
        tree = finding.tree_of(self._parts, query)
        return finding.search(self._parts, tree, limit, page, min_score)

    def scan(self, query: Term | str, *, min_score: float = 0.0) -> Iterator[Hit]:
        """All hits, best first, streamed: the ranking is taken once, hits are made as they go."""
        return finding.scan(self._parts, finding.tree_of(self._parts, query), min_score)

    def predict(
        self,
        source: Any = None,
        *,
        base64: str | None = None,
        data: bytes | None = None,
        id: str | None = None,
        limit: int = 20,
        at_least: float = 0.0,
    ) -> tuple[ConceptValue, ...]:
        """The most probable concepts of a picture, without storing it; `id` one of the library."""
        return looking.predict(self._parts, source, base64, data, id, limit, at_least)

    def concepts(self, prefix: str = "") -> tuple[ConceptInfo, ...]:
        """The concepts of the pack whose name or synonym begins with `prefix`."""
        return looking.concepts(self._parts, prefix)

    # -- single inputs -------------------------------------------------------------------------

    def get(self, id: str) -> Input:
        """One input by its id. Raises LibraryMissing."""
        return looking.get(self._parts, id)

    def find(self, path: AnyPath) -> Input | None:
        """The input of a file, or None."""
        return looking.find(self._parts, absolute(path))

    def inputs(self, state: str | None = None, *, removed: bool = False) -> Iterator[Input]:
        """All inputs in the order of adding, or those in one `state`; or the `removed` ones."""
        return looking.inputs(self._parts, state, removed)

    def failures(self) -> Iterator[Input]:
        """Inputs that could not be indexed, each with its state and reason."""
        return looking.failures(self._parts)

    def thumbnail(self, id: str) -> bytes:
        """A JPEG thumbnail, from the store if it has one, else made from the file."""
        return looking.thumbnail(self._parts, id)

    def open_image(self, id: str) -> Image:
        """The picture itself, upright, sRGB. Raises LibraryMissing if its file is not there."""
        return looking.open_image(self._parts, id)

    def update(
        self, id: str, *, metadata: Mapping[str, Any] | None = None, source_url: str | None = None
    ) -> Input:
        """Replace the metadata (JSON) or source URL of an input; what is None stays."""
        editing.update(self._writable().truth, id, metadata, source_url)
        return self.get(id)

    def tag(self, ids: Ids, name: str, value: bool = True) -> None:
        """Tag inputs; `value=False` says that it is not so."""
        editing.put_tag(self._writable().truth, ids, name, value)

    def untag(self, ids: Ids, name: str) -> None:
        """Take a tag off."""
        editing.forget_tag(self._writable().truth, ids, name)

    def remove(self, ids: Ids) -> int:
        """Hide inputs; `sync` does not bring them back, `restore` does. Never touches a file."""
        return editing.set_removed(self._writable().truth, ids, True)

    def restore(self, ids: Ids) -> int:
        """Bring removed inputs back; gives how many."""
        return editing.set_removed(self._writable().truth, ids, False)

    def purge(self, ids: Ids | None = None, *, missing: bool = False, removed: bool = False) -> int:
        """Forget inputs for good, with tags, metadata and features; gives how many. Files stay."""
        return editing.purge(self._writable().truth, ids, missing, removed)

    # -- the library itself --------------------------------------------------------------------

    def status(self) -> Status:
        """The library at a glance."""
        return looking.status(self._parts, self._notes)

    def verify(self) -> tuple[Finding, ...]:
        """Compare catalog, segments and disk, whole; empty if all is well."""
        return looking.verify(self._parts)
