"""What a reindex would have to do, how long that takes and the disk it needs. Writes nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Final

from localsearch.catalog import Catalog
from localsearch.catalog import input_reads as reads
from localsearch.catalog.features import Features
from localsearch.deferred import dataclass
from localsearch.durable import free_bytes
from localsearch.errors import LibraryFull
from localsearch.reindex.pictures import Picture, Pictures
from localsearch.reindex.run import PAGE, ReadFeatures

SAMPLE: Final = 48
"""Contents that a dry run infers: every seventh of the first that lack features."""

_EVERY: Final = 7

RESERVE: Final = 64 << 20
"""Left free on the disk of the store, whatever happens."""

_PAGES: Final = 1.1  # what SQLite's pages cost beside what is in them


@dataclass(slots=True)
class Survey:
    """Contents in all, and those that lack features; `found` are these by what they are seen in.

    "" counts those of live photos that are nowhere to be seen. `sample` are some pictures.
    """

    contents: int = 0
    to_do: int = 0
    found: Counter[str] = field(default_factory=Counter)
    sample: list[Picture] = field(default_factory=list)


def survey(
    catalog: Catalog,
    features: Features | None,
    *,
    pictures: Pictures | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Survey:
    """Count what `features` (None: there are none yet) lack; with `pictures` look for each too."""
    result, after, seen = Survey(), 0, set[bytes]()
    while not stop():
        with catalog.reading() as conn:
            page = reads.contents_after(conn, after, PAGE)
        if not page:
            break
        after = page[-1][0]
        digests = {digest for _, digest in page}
        whole = set[bytes]() if features is None else features.have_whole(digests)
        lacking = sorted(digests - whole - seen)
        seen.update(lacking)
        poor = set[bytes]() if features is None else features.have(lacking)
        if pictures is None:
            result.to_do += len(lacking)
        else:
            _look(result, pictures, lacking, poor)
    with catalog.reading() as conn:
        result.contents = reads.count_contents(conn)
    return result


def _look(result: Survey, pictures: Pictures, lacking: list[bytes], poor: set[bytes]) -> None:
    for digest in lacking:
        picture = next(pictures.of(digest), None)
        if digest in poor and (picture is None or picture.kind == "thumbnail"):
            continue  # nothing better is there
        if picture is None:
            result.found[""] += pictures.live_id(digest) is not None
            continue
        result.found[picture.kind] += 1
        if result.to_do % _EVERY == 0 and len(result.sample) < SAMPLE:
            result.sample.append(picture)
        result.to_do += 1


def seconds_of(found: Survey, read: ReadFeatures, stop: Callable[[], bool]) -> float:
    """What inferring takes, about: by the sample, once the network is loaded."""
    jobs = [picture.job for picture in found.sample]
    if not jobs:
        return 0.0
    list(read(jobs[:1], stop))
    began = time.monotonic()
    list(read(jobs, stop))
    return (time.monotonic() - began) / len(jobs) * found.to_do


def bytes_of(contents: int, dimensions: int, classes: int) -> int:
    """What the features of so many contents take on the disk."""
    return round(_PAGES * (2 * (dimensions + classes) + 32) * contents)


def refuse_if_full(store: Path, need: int) -> None:
    """LibraryFull before anything is written that would run out of disk."""
    free = free_bytes(store)
    if need + RESERVE > free:
        raise LibraryFull(
            f"a reindex needs about {(need + RESERVE) >> 20} MB in {store},"
            f" but {free >> 20} MB are free",
            hint="free some space; nothing was changed",
        )
