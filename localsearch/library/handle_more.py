"""More of the library handle: what a user teaches, what is twice there, a new pack's features.

As in handle.py, every method is one composition of the rooms below, and holds no logic. This file
exists because one file is not to hold them all; `Library` is one class to those who use it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from localsearch.later import Later
from localsearch.library import arguments
from localsearch.library.lifetime import OpenedLibrary

if TYPE_CHECKING:
    from localsearch import records
    from localsearch.library import alike, keeping, looking, predicting, reindexing, teaching
    from localsearch.library.arguments import Stop
    from localsearch.library.editing import Ids

    OnProgress = Callable[[records.Progress], None] | None
else:
    alike = Later("localsearch.library.alike")
    keeping = Later("localsearch.library.keeping")
    looking = Later("localsearch.library.looking")
    predicting = Later("localsearch.library.predicting")
    reindexing = Later("localsearch.library.reindexing")
    teaching = Later("localsearch.library.teaching")


class MoreOfLibrary(OpenedLibrary):
    """Methods of `Library` that change or ask for more than photos and searches."""

    # -- another pack ------------------------------------------------------------------------

    def reindex(
        self,
        pack: str | None = None,
        *,
        from_thumbnails: bool = False,
        rollback: bool = False,
        dry_run: bool = False,
        progress: OnProgress = None,
        stop: Stop = None,
    ) -> records.ReindexReport:
        """Move the library to another pack: to the newer version that is installed, to `pack` (a
        name or folder), or with `rollback` back to the one before.

        Searches are answered by the former pack until all is ready; then one commit switches, here
        and in every other process. What is stopped, or dies, goes on at the next call. A photo
        that is away is taken from its thumbnail; `from_thumbnails` does so for all, which needs no
        drive: a later sync or reindex replaces what came of it when it sees the photo. A pack that
        differs in its tables only costs no inference. `dry_run` tells what there is to do. Without
        another pack, it computes what features are lacking or came from thumbnails.

        Raises PackMissing, PackDamaged, PackError (nothing to go back to), LibraryFull,
        LibraryBusy (another reindex is under way), InputError.
        """
        asked = reindexing.wanted(pack, from_thumbnails, rollback, dry_run, progress, stop)
        parts_now = (lambda: self._parts) if asked.dry_run else self._writable
        return reindexing.run_reindex(
            parts_now,
            asked,
            retrain=lambda features, pack: teaching.retrain_for(self._parts, features, pack),
        )

    # -- concepts of one's own ---------------------------------------------------------------

    def teach(
        self,
        name: str,
        positives: Ids = (),
        negatives: Ids = (),
        *,
        tag: str | None = None,
        dry_run: bool = False,
        replace: bool = False,
    ) -> records.Taught:
        """Teach a concept by examples: a probe on the stored features, searched like any other.

        `positives` and `negatives` are ids; `tag`: inputs with that tag true or false besides.
        Where negatives are few, photos of the library are taken at random besides, always the same
        ones. The answer tells the quality, by leaving out each example in turn; `dry_run` stores
        nothing. `replace` teaches a concept of that name anew. Raises InputError (no positives, a
        name that the pack has, or that is taken), LibraryMissing (an id that is none).
        """
        parts = self._parts if dry_run else self._writable()
        return teaching.teach(parts, name, positives, negatives, tag, dry_run, replace)

    def taught(self) -> tuple[records.Taught, ...]:
        """The concepts that were taught, by name."""
        return teaching.listed(self._parts)

    def rename_taught(self, name: str, new_name: str) -> records.Taught:
        """Give a taught concept another name; its id and its examples stay."""
        return teaching.rename(self._writable(), name, new_name)

    def forget_taught(self, name: str) -> None:
        """Forget a taught concept and its examples. Raises LibraryMissing."""
        teaching.forget(self._writable(), name)

    # -- what other faces ask for --------------------------------------------------------------

    def get_many(self, ids: Ids) -> list[records.Input]:
        """The inputs of these ids in the order asked, in one read; unknown ids are left out."""
        return looking.get_many(self._parts, ids)

    def with_source(self, url: str) -> list[records.Input]:
        """The inputs whose source URL is exactly this one, by row; removed ones too."""
        return looking.with_source(self._parts, url)

    def listed(self, *, page: int = 1, limit: int = 20) -> list[records.Input]:
        """One page of all inputs that are neither removed nor missing, in the order of adding."""
        number, most = arguments.whole(page, "page"), arguments.whole(limit, "limit")
        return looking.listed(self._parts, number, most)

    def tags(self) -> dict[str, int]:
        """Every tag in use, with how many inputs it is true of."""
        return looking.tags_in_use(self._parts)

    def concept(self, name: str) -> records.ConceptInfo:
        """The concept of a name, synonym or id, taught or the pack's.

        Raises QueryUnknownConcept with the nearest names.
        """
        return predicting.concept_named(self._parts, name)

    def embed(
        self,
        source: Any = None,
        *,
        base64: str | None = None,
        data: bytes | None = None,
        id: str | None = None,
    ) -> list[float]:
        """The unit vector of a picture, without storing it; `id` one of the library."""
        return predicting.embed(self._parts, source, base64, data, id)

    def notes(self, kind: str, ids: Ids | None = None) -> tuple[records.Note, ...]:
        """Small documents of one kind that a program keeps with the library, in the order of
        making; all of them, or those of some ids."""
        return keeping.notes(self._parts, kind, ids)

    def put_note(self, kind: str, id: str, document: Mapping[str, Any]) -> None:
        """Keep a document (JSON) by kind and id, in place of an older one."""
        self.put_notes(kind, {id: document})

    def put_notes(self, kind: str, documents: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep documents (JSON) of one kind by their ids, all or none of them."""
        keeping.put_notes(self._writable(), kind, documents)

    def forget_note(self, kind: str, id: str) -> bool:
        """Drop a document; False if there was none."""
        return keeping.forget_note(self._writable(), kind, id)

    def tend(self) -> None:
        """Begin in the background what is due in the derived files, a graph too; returns at once.

        For a program that stays: `sync` and adding do so themselves, opening alone does not.
        """
        self._writable().upkeep.wake()

    # -- what is twice there -----------------------------------------------------------------

    def duplicates(
        self, *, exact: bool = False, progress: OnProgress = None, stop: Stop = None
    ) -> records.Duplicates:
        """Groups of photos with the same content, or of the same picture encoded anew, resized,
        turned by quarters or mirrored. `exact`: with the same content only.

        Each group names its best copy, and every other member is the same as that one. Photos of
        a burst are different pictures. Reads thumbnails and features, no photo; deletes nothing.
        `progress` and `stop` as for `sync`; stopped, it raises Cancelled.
        """
        return self._with_parts(lambda parts: alike.duplicates(parts, exact, progress, stop))
