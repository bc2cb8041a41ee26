"""The library handle: every method is one composition of the rooms below, and holds no logic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from localsearch.later import Later
from localsearch.library import arguments
from localsearch.library.handle_more import MoreOfLibrary
from localsearch.library.places import AnyPath

if TYPE_CHECKING:
    from typing import IO

    from PIL.Image import Image

    from localsearch import records
    from localsearch.library import (
        editing,
        exchanging,
        finding,
        folders,
        looking,
        overview,
        predicting,
        showing,
        syncing,
    )
    from localsearch.library.arguments import Stop
    from localsearch.library.editing import Ids
    from localsearch.search.page import Page
    from localsearch.search.terms import Term
    from localsearch.sync import new_input

    OnProgress = Callable[[records.Progress], None] | None
else:
    editing = Later("localsearch.library.editing")
    exchanging = Later("localsearch.library.exchanging")
    finding = Later("localsearch.library.finding")
    folders = Later("localsearch.library.folders")
    looking = Later("localsearch.library.looking")
    new_input = Later("localsearch.sync.new_input")
    overview = Later("localsearch.library.overview")
    predicting = Later("localsearch.library.predicting")
    showing = Later("localsearch.library.showing")
    syncing = Later("localsearch.library.syncing")


class Library(MoreOfLibrary):
    """A photo library: a store, its photo folders, and the pack that looks at them.

    Made by `localsearch.open`. Any thread may call; close it, or use it as a context manager.
    A forgotten `close` loses nothing.
    """

    # -- photo folders ---------------------------------------------------------------------

    def roots(self) -> tuple[records.Root, ...]:
        """The photo folders, each with whether it can be reached now."""
        return folders.describe_roots(self._parts)

    def add_root(
        self, path: AnyPath, name: str | None = None, ignore: str | Iterable[str] | None = None
    ) -> records.Root:
        """Add a photo folder. `ignore`: a pattern as in .gitignore, or several; for a folder
        that is a root already they replace its rules. Nothing is read until `sync`.

        Raises LibraryMissing (no such folder), InputError (it lies in another root, or holds one).
        """
        folder = arguments.path(path, "path")
        rules = None if ignore is None else arguments.patterns(ignore)
        folders.add_root(self._writable(), folder, arguments.root_name(name), rules)
        return next(root for root in self.roots() if root.path.resolve() == folder.resolve())

    def move_root(self, name: str, path: AnyPath) -> records.Root:
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
        progress: OnProgress = None,
        stop: Stop = None,
        threads: int | None = None,
        gentle: bool = False,
        allow_removals: bool = False,
    ) -> records.SyncReport:
        """Bring the library to what the folders show: all roots, the named `roots`, or `paths`.

        Photos are found while it runs. `progress` is called on this thread, at most ten times a
        second and once at the end; an exception from it stops the sync cleanly and is raised.
        `stop` (an Event, or a function that gives True) ends within the batch in flight.
        A bad photo is a failure in the report, never an exception. Raises LibraryUnsafe if more
        than a fifth of a root or of a first-level folder is gone (`allow_removals` lets it pass),
        LibraryBusy if another process syncs, LibraryFull, InputError for a path outside all roots.
        """
        order = (paths, roots, progress, stop, threads, gentle, allow_removals)
        self._writable()
        return syncing.run_sync(self._writable, syncing.wanted(*order))

    def estimate(
        self, *, roots: str | Iterable[str] | None = None, stop: Stop = None
    ) -> records.SyncEstimate:
        """A dry run: what a sync would do, how long it takes, what limits it, the disk it needs.

        Reads up to fifty photos; writes nothing.
        """
        return syncing.run_estimate(self._parts, syncing.wanted(None, roots, None, stop))

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
        place: tuple[float, float] | None = None,
    ) -> records.Added:
        """Add one picture: a path, bytes, file object, PIL image or HxWx3 uint8 RGB array.

        `base64` takes base64 text or a data URI, `data` encoded bytes. `id`: your own, or a new
        one is given. `place`: latitude and longitude in degrees. A picture that cannot be read is
        an input with that state and reason. A file that is an input already stays that one: tags
        are added, metadata, URL and place replaced.
        """
        said: dict[str, Any] = {"tags": tags, "metadata": metadata, "source_url": source_url}
        said |= {"id": id, "place": place}
        new = new_input.made_new(source=source, base64=base64, data=data, **said)
        return next(self._add([new], None))

    def add_many(self, sources: Iterable[Any], *, stop: Stop = None) -> Iterator[records.Added]:
        """Add many, in order, one result each; a mapping holds the arguments of `add`.

        One that cannot be used raises InputError when those before it have been added and given.
        """
        return self._add(map(new_input.item_of, arguments.sources(sources)), stop)

    def _add(self, news: Iterable[new_input.NewInput], stop: Stop) -> Iterator[records.Added]:
        self._writable()
        return self._streamed(syncing.run_add(self._writable, news, arguments.stop(stop)))

    # -- searching ---------------------------------------------------------------------------

    def search(
        self,
        query: Term | str,
        *,
        limit: int = 20,
        page: int = 1,
        min_score: float = 0.0,
        concepts: int = 5,
        fold: bool = False,
        stop: Stop = None,
    ) -> Page:
        """One page of hits, best first. `query` is a term, or text as for `localsearch.parse`.

        Each hit tells its most probable `concepts`. `fold` shows of a burst only the best-ranked
        hit, which tells how many are `folded` under it; the page is full all the same. `stop` (an
        Event, or a function that gives True) ends it with Cancelled. Raises QueryError,
        PictureError, InputError.
        """
        return self._with_parts(
            lambda parts: finding.search(
                finding.asked(parts, query, limit, min_score, stop, concepts, fold), page
            )
        )

    def search_inputs(
        self, query: Term | str, *, limit: int = 20, page: int = 1, min_score: float = 0.0
    ) -> list[tuple[float, records.Input]]:
        """One page as `search` ranks it, as inputs with their scores: half the work of hits, which
        tell concepts and reasons, for who shows what is stored of each."""
        return self._with_parts(
            lambda parts: finding.inputs_found(
                finding.asked(parts, query, limit, min_score, None), page
            )
        )

    def scan(
        self, query: Term | str, *, min_score: float = 0.0, concepts: int = 5, stop: Stop = None
    ) -> Iterator[records.Hit]:
        """All hits, best first, streamed: the ranking is taken once, hits are made as they go."""
        return self._streamed(
            self._with_parts(
                lambda parts: finding.scan(
                    finding.asked(parts, query, 1, min_score, stop, concepts)
                )
            )
        )

    def explain(
        self, query: Term | str, *, limit: int = 20, min_score: float = 0.0
    ) -> records.Explanation:
        """Run a search and tell how: its terms with rows and times, the route, the total."""
        return self._with_parts(
            lambda parts: finding.explained(finding.asked(parts, query, limit, min_score, None))
        )

    def predict(
        self,
        source: Any = None,
        *,
        base64: str | None = None,
        data: bytes | None = None,
        id: str | None = None,
        limit: int = 20,
        at_least: float = 0.0,
    ) -> tuple[records.ConceptValue, ...]:
        """The most probable concepts of a picture, without storing it; `id` one of the library."""
        return predicting.predict(self._parts, source, base64, data, id, limit, at_least)

    def concepts(self, prefix: str = "") -> tuple[records.ConceptInfo, ...]:
        """The concepts of the pack whose name or synonym begins with `prefix`."""
        return predicting.concepts(self._parts, arguments.text(prefix, "prefix"))

    def get(self, id: str) -> records.Input:
        """One input by its id. Raises LibraryMissing."""
        return looking.get(self._parts, id)

    def find(self, path: AnyPath) -> records.Input | None:
        """The input of a file, or None."""
        return looking.find(self._parts, arguments.any_path(path, "path"))

    def inputs(self, state: str | None = None, *, removed: bool = False) -> Iterator[records.Input]:
        """All inputs in the order of adding, or those in one `state`; or the `removed` ones."""
        word, gone = arguments.state(state), arguments.flag(removed, "removed")
        return self._streamed(looking.inputs(self._parts, word, gone))

    def failures(self) -> Iterator[records.Input]:
        """Inputs that could not be indexed, each with its state and reason."""
        return self._streamed(looking.failures(self._parts))

    def changes(self, since: int = 0, *, limit: int = 1000) -> records.Changes:
        """What has changed after the sequence `since`, in order: for a copy that an app keeps.

        The newest change of each input, at most `limit` of them, with the input as it is now.
        Ask with 0 first, then with the `sequence` of the last answer.
        """
        after = arguments.whole(since, "since", least=0)
        return looking.changes(self._parts, after, arguments.whole(limit, "limit"))

    def thumbnail(self, id: str) -> bytes:
        """A JPEG thumbnail, from the store if it has one, else made from the file."""
        return looking.thumbnail(self._parts, id)

    def open_image(self, id: str) -> Image:
        """The picture itself, upright, sRGB. Raises LibraryMissing if its file is not there."""
        return looking.open_image(self._parts, id)

    def original(self, id: str, *, thumbnail: bool = False) -> records.Original:
        """The encoded picture as it is, for who shows it: a file or kept bytes, with its type.

        While a photo is away its thumbnail stands in; `thumbnail` asks for that anyway. Raises
        LibraryMissing, also for a removed input.
        """
        wanted = showing.thumbnail if arguments.flag(thumbnail, "thumbnail") else showing.original
        return wanted(self._parts, id)

    def update(
        self,
        id: str,
        *,
        metadata: Mapping[str, Any] | None = None,
        source_url: str | None = None,
        place: tuple[float, float] | tuple[()] | None = None,
        tags: Mapping[str, bool | None] | None = None,
        new_id: str | None = None,
    ) -> records.Input:
        """Replace the metadata (JSON), source URL or place (latitude, longitude; () takes it away)
        of an input, put `tags` (None as a value takes one off), give it another id; what is None
        stays.

        All of it is done, or nothing. Raises LibraryMissing, InputError.
        """
        edit = editing.Edit(metadata, source_url, place, tags, new_id)
        editing.update(self._writable().truth, id, edit)
        return self.get(id if new_id is None else new_id)

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

    def status(self) -> records.Status:
        """The library at a glance."""
        return overview.status(self._parts, self._notes)

    def compact(self, *, progress: OnProgress = None, stop: Stop = None) -> records.Compacted:
        """Make searches as quick as they can be: few segments without dead rows, a graph if one
        is due, free space given back. Takes minutes for large libraries, which can be searched
        meanwhile. Raises LibraryBusy if another process syncs, LibraryFull.
        """
        return syncing.run_compact(self._writable, progress, stop)

    def verify(
        self, *, repair: bool = False, progress: OnProgress = None
    ) -> tuple[records.Finding, ...]:
        """Compare catalog, features, segments, graphs and disk, whole; empty if all is well.

        `repair` cures what can be cured without loss and looks again: findings that are gone are
        `repaired`. A damaged catalog is for `localsearch.recover`.
        """
        parts = self._writable() if arguments.flag(repair, "repair") else self._parts
        return exchanging.verify(parts, repair, progress)

    def backup(
        self,
        file: AnyPath,
        *,
        replace: bool = False,
        progress: OnProgress = None,
        stop: Stop = None,
    ) -> records.BackupReport:
        """Write all that cannot be recomputed to one file; others may write meanwhile.

        `replace` allows that a file is there. Raises InputError, LibraryFull, LibraryDamaged,
        Cancelled. It comes back by `localsearch.recover`.
        """
        return exchanging.backup(self._parts, file, replace, progress, stop)

    def export(
        self,
        file: AnyPath | IO[bytes],
        format: str = "ndjson",
        *,
        concepts: bool = False,
        vectors: bool = False,
        progress: OnProgress = None,
        stop: Stop = None,
    ) -> int:
        """Write every input as a line of "ndjson" or "csv"; gives how many.

        `file` is replaced when all is written; an open binary file is written as it goes.
        `concepts` and `vectors` (float16, ndjson only) are added if asked for.
        """
        return exchanging.export(self._parts, file, format, concepts, vectors, progress, stop)

    def import_(
        self,
        file: AnyPath | IO[bytes],
        *,
        add: bool = False,
        dry_run: bool = False,
        progress: OnProgress = None,
        stop: Stop = None,
    ) -> records.ImportReport:
        """Put tags, metadata, source URLs and removals of an export (or a plain list) back.

        A line means the input of its id, else of its place, else of its content, which then takes
        the line's id. `add` makes inputs of files that are there. `dry_run` only counts.
        """
        parts = self._parts if arguments.flag(dry_run, "dry_run") else self._writable()
        return exchanging.import_(parts, file, add, dry_run, progress, stop)
