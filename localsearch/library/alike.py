"""Photos that are twice there, as people see them: the flow composed, its groups described."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from localsearch.catalog import described, input_reads
from localsearch.catalog.input_reads import InputRow
from localsearch.duplicates.run import Copy, same_contents, same_pictures
from localsearch.exchange.steps import Steps
from localsearch.library import arguments
from localsearch.library.parts import Parts
from localsearch.records import DuplicateGroup, DuplicatePhoto, Duplicates, Input, Progress
from localsearch.scores import cosines

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

OnProgress = Callable[[Progress], None] | None

_AT_ONCE: Final = 200  # groups described in one transaction
_TOLD: Final = {
    "none": "",
    "mirrored": ", mirrored",
    "flipped": ", upside down and mirrored",
    "rotated-90": ", turned by 90 degrees",
    "rotated-180": ", upside down",
    "rotated-270": ", turned by 270 degrees",
    "transposed": ", turned by 90 degrees and mirrored",
    "transversed": ", turned by 270 degrees and mirrored",
}


def duplicates(parts: Parts, exact: bool, progress: OnProgress, stop: arguments.Stop) -> Duplicates:
    """Groups of duplicates; see `Library.duplicates`."""
    told, stopped = arguments.function(progress, "progress"), arguments.stop(stop)
    steps: list[Steps] = []

    def stage(name: str, total: int) -> Steps:
        steps.append(Steps(name, total, told, stopped))
        steps[-1]()
        return steps[-1]

    if arguments.flag(exact, "exact"):
        found = same_contents(parts.truth, stage)
    else:
        found = same_pictures(parts.truth, _scores_of(parts), stage)
    step = stage("telling", len(found.groups))
    groups = sorted(_described(parts, found.groups, step), key=lambda one: -one.bytes)
    step.end()
    notes = found.notes
    if found.without_print:
        count = found.without_print
        told_of = "1 photo has" if count == 1 else f"{count:,} photos have"
        notes += (f"{told_of} no fingerprint to compare by (no thumbnail, or one plain colour)",)
    return Duplicates(
        groups=tuple(groups),
        photos=found.looked_at,
        without_fingerprint=found.without_print,
        redundant=sum(len(one.members) - 1 for one in groups),
        bytes=sum(one.bytes for one in groups),
        notes=notes,
    )


def _scores_of(
    parts: Parts,
) -> Callable[[npt.NDArray[np.float16], npt.NDArray[np.float32]], npt.NDArray[np.float64]]:
    """Visual scores by the map of the pack: they mean the same whatever the network."""
    visual = parts.pack.visual
    return lambda halves, query: visual.mapped(cosines(halves, query))


def _described(
    parts: Parts, groups: Sequence[tuple[Copy, ...]], step: Steps
) -> Iterator[DuplicateGroup]:
    """The groups with what the catalog says now: an input that has changed since is left out."""
    for start in range(0, len(groups), _AT_ONCE):
        some = groups[start : start + _AT_ONCE]
        keys = [key for group in some for copy in group for key in copy.keys]
        with parts.truth.catalog.reading() as conn:
            rows = [row for row in input_reads.by_keys(conn, keys) if row.live]
            inputs = described.inputs_of(conn, rows)
        known = {row.key: (row, one) for row, one in zip(rows, inputs, strict=True)}
        for group in some:
            members = list(_members(group, known))
            if len(members) > 1:
                yield _group(members)
        step(len(some))


_Member = tuple[Copy, Input]


def _members(
    group: tuple[Copy, ...], known: dict[int, tuple[InputRow, Input]]
) -> Iterator[_Member]:
    for copy in group:
        for key in copy.keys:
            row, one = known.get(key, (None, None))
            if row is not None and one is not None and row.digest == copy.digest:
                yield copy, one


def _group(members: list[_Member]) -> DuplicateGroup:
    (first, best), *others = members
    photos = [_photo(best, "best", "none", _why_best(best, [one for _, one in others]))]
    for copy, one in others:
        if copy.digest == first.digest:
            photos.append(_photo(one, "content", "none", "the same content as the best copy"))
        else:
            photos.append(_photo(one, "picture", copy.turn.name, _why(copy, one, best)))
    kind = "content" if all(photo.kind != "picture" for photo in photos) else "picture"
    return DuplicateGroup(kind, tuple(photos), sum(one.size or 0 for _, one in others))


def _photo(one: Input, kind: str, turn: str, why: str) -> DuplicatePhoto:
    digest = one.digest or ""
    return DuplicatePhoto(
        *(one.id, one.path, one.available, digest, one.width, one.height, one.size),
        *(kind, turn, why),
    )


def _pixels(one: Input) -> int:
    return (one.width or 0) * (one.height or 0)


def _why_best(best: Input, others: list[Input]) -> str:
    """What sets the best copy apart, by the rule that has chosen it."""
    if _pixels(best) > max(map(_pixels, others)):
        return "the best copy: the most pixels"
    equal = [one for one in others if _pixels(one) == _pixels(best)]
    if (best.size or 0) > max(one.size or 0 for one in equal):
        return "the best copy: of those with the most pixels the one with the most bytes"
    return "the best copy: of the largest the oldest file"


def _why(copy: Copy, one: Input, best: Input) -> str:
    """How a copy differs from the best one."""
    sides = {one.width, one.height}, {best.width, best.height}
    resized = f", {one.width} x {one.height} pixels" if sides[0] != sides[1] else ""
    turned = _TOLD[copy.turn.name]
    return f"the same picture{turned}{resized}" + ("" if turned or resized else ", encoded anew")
