"""The library handle: every method is one composition of the rooms below, and holds no logic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from localsearch.catalog.truth import Truth
from localsearch.errors import LibraryClosed, LibraryReadOnly
from localsearch.library import arguments, editing
from localsearch.library.editing import Ids
from localsearch.library.later import Later
from localsearch.library.live import LiveState
from localsearch.library.models import Models
from localsearch.library.parts import Parts
from localsearch.library.places import AnyPath
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
    from localsearch.sync import new_input
else:
    finding = Later("localsearch.library.finding")
    folders = Later("localsearch.library.folders")
    looking = Later("localsearch.library.looking")
    new_input = Later("localsearch.sync.new_input")
    syncing = Later("localsearch.library.syncing")


T = TypeVar("T")


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
        self._check_open()
        return self._inner

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
        self, path: AnyPath, name: str | None = None, ignore: str | Iterable[str] | None = None
    ) -> Root:
        """Add a photo folder. `ignore`: a pattern as in .gitignore, or several; for a folder
        that is a root already they replace its rules. Nothing is read until `sync`.

        Raises LibraryMissing (no such folder), InputError (it lies in another root, or holds one).
        """
        folder = arguments.path(path, "path")
        rules = None if ignore is None else arguments.patterns(ignore)
        folders.add_root(self._writable(), folder, arguments.root_name(name), rules)
        return next(root for root in self.roots() if root.path.resolve() == folder.resolve())

    def move_root(self, name: str, path: AnyPath) -> Root:
        """Tell where a photo folder lies now; ids, tags and features are kept."""
        folder = arguments.path(path, "path")
        folders.move_root(self._writable(), arguments.text(name, "name"), folder)
        return next(root for root in self.roots() if root.name == name)

    def drop_root(self, name: str) -> int:
        """Forget a photo folder and all its inputs, for good; gives how many. Files stay."""
        row = folders.root_named(self._parts, arguments.text(name, "name"))
        return editing.drop_root(self._writable().truth, row.key)

    def find_roots_again(self) -> None:
        """Look for roots that moved with their drive or their store, and remember the place."""
        folders.note_moved(self._writable())

    # -- photos in ---------------------------------------------------------------------------

    def sync(
        self,
        *,
        paths: AnyPath | Iterable[AnyPath] | None = None,
        roots: str | Iterable[str] | None = None,
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
            progress=arguments.function(progress, "progress"),
            stop=syncing.stop_of(arguments.stop(stop)),
            threads=None if threads is None else arguments.whole(threads, "threads"),
            gentle=arguments.flag(gentle, "gentle"),
            thumbnails=self._options.thumbnails,
            allow_removals=arguments.flag(allow_removals, "allow_removals"),
            publishing=syncing.publisher(parts, self._options.lock_timeout),
        )
        named = None if paths is None else arguments.paths(paths, "paths")
        names = None if roots is None else arguments.texts(roots, "roots")
        return syncing.run_sync(
            parts, orders, paths=named, names=names, lock_timeout=self._options.lock_timeout
        )

    def estimate(
        self, *, roots: str | Iterable[str] | None = None, stop: Stop = None
    ) -> SyncEstimate:
        """A dry run: what a sync would do, how long it takes, what limits it, the disk it needs.

        Reads up to fifty photos; writes nothing.
        """
        orders = syncing.orders_of(
            self._parts,
            progress=None,
            stop=syncing.stop_of(arguments.stop(stop)),
            threads=None,
            gentle=False,
            thumbnails=self._options.thumbnails,
            allow_removals=False,
            publishing=lambda whole: None,
        )
        names = None if roots is None else arguments.texts(roots, "roots")
        return syncing.run_estimate(self._parts, orders, names)

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
        one is given. A picture that cannot be read is an input with that state and reason. A file
        that is an input already stays that one: tags are added, metadata and URL replaced.
        """
        new = new_input.made_new(
            source=source,
            base64=base64,
            data=data,
            id=id,
            tags=tags,
            metadata=metadata,
            source_url=source_url,
        )
        return next(self._add([new], None))

    def add_many(self, sources: Iterable[Any], *, stop: Stop = None) -> Iterator[Added]:
        """Add many, in order, one result each; a mapping holds the arguments of `add`.

        One that cannot be used raises InputError when those before it have been added and given.
        """
        return self._add(map(new_input.item_of, arguments.sources(sources)), stop)

    def _add(self, news: Iterable[new_input.NewInput], stop: Stop) -> Iterator[Added]:
        asked = arguments.stop(stop)
        added = syncing.run_add(self._writable(), news, asked, self._options.lock_timeout)
        return self._streamed(added)

    # -- searching ---------------------------------------------------------------------------

    def search(
        self, query: Term | str, *, limit: int = 20, page: int = 1, min_score: float = 0.0
    ) -> Page:
        """One page of hits, best first. `query` is a term, or text as for `localsearch.parse`.

        Raises QueryError (and QueryUnknownConcept with the nearest names), PictureError (the
        query picture cannot be read), InputError (limit or page below 1).
        """
        tree = finding.tree_of(self._parts, query)
        return finding.search(
            self._parts,
            tree,
            arguments.whole(limit, "limit"),
            arguments.whole(page, "page"),
            arguments.fraction(min_score, "min_score"),
        )

    def scan(self, query: Term | str, *, min_score: float = 0.0) -> Iterator[Hit]:
        """All hits, best first, streamed: the ranking is taken once, hits are made as they go."""
        tree = finding.tree_of(self._parts, query)
        floor = arguments.fraction(min_score, "min_score")
        return self._streamed(finding.scan(self._parts, tree, floor))

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
        return looking.predict(
            self._parts,
            source,
            base64,
            data,
            id,
            arguments.whole(limit, "limit"),
            arguments.fraction(at_least, "at_least"),
        )

    def concepts(self, prefix: str = "") -> tuple[ConceptInfo, ...]:
        """The concepts of the pack whose name or synonym begins with `prefix`."""
        return looking.concepts(self._parts, arguments.text(prefix, "prefix"))

    # -- single inputs -------------------------------------------------------------------------

    def get(self, id: str) -> Input:
        """One input by its id. Raises LibraryMissing."""
        return looking.get(self._parts, id)

    def find(self, path: AnyPath) -> Input | None:
        """The input of a file, or None."""
        return looking.find(self._parts, arguments.any_path(path, "path"))

    def inputs(self, state: str | None = None, *, removed: bool = False) -> Iterator[Input]:
        """All inputs in the order of adding, or those in one `state`; or the `removed` ones."""
        word, gone = arguments.state(state), arguments.flag(removed, "removed")
        return self._streamed(looking.inputs(self._parts, word, gone))

    def failures(self) -> Iterator[Input]:
        """Inputs that could not be indexed, each with its state and reason."""
        return self._streamed(looking.failures(self._parts))

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
