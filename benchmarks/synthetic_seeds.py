"""Real photos' vectors and raw logits, from which synthetic photos are drawn; inferred once.

The library itself infers them: a sync of the photo folders into a store that is thrown away. What
it said is kept in the user's cache folder, by encoder and by the names and sizes of the photos,
never in the repository. Never draws anything.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import platformdirs

import localsearch as ls
from localsearch.catalog import input_reads, open_catalog
from localsearch.catalog.features import open_features
from localsearch.pack import Pack, find_pack, load_pack

HOUSE = Path(__file__).resolve().parents[1]
DEMO = HOUSE / "localsearch" / "_demo" / "photos"

Halves = npt.NDArray[np.float16]


@dataclass(frozen=True)
class Seeds:
    """Vectors float16 [n, D] and raw logits float16 [n, K] of distinct real photos."""

    vectors: Halves
    logits: Halves


def photo_folder(data: Path | None) -> Path:
    """`photos` of the test data, named or beside the repository; else the demo's photos."""
    for folder in (data, HOUSE.parent / "shared"):
        if folder is not None and (folder / "photos").is_dir():
            return (folder / "photos").resolve()
    return DEMO


def seeds_of(
    photos: Path, pack: Pack | None = None, *, tell: Callable[[str], None] = print
) -> Seeds:
    """The features of all photos below a folder, inferred where the cache lacks them."""
    pack = pack or load_pack(find_pack("general"))
    kept = _cache() / f"seeds-{pack.encoder_digest[:16]}-{_name_of(photos)}.npz"
    if kept.is_file():
        with np.load(kept) as arrays:
            return Seeds(arrays["vectors"], arrays["logits"])
    tell(f"inferring the photos below {photos}, once")
    found = _inferred(photos)
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_name(f"{os.getpid()}-{kept.name}")
    np.savez(unfinished, vectors=found.vectors, logits=found.logits)
    unfinished.replace(kept)
    return found


def _inferred(photos: Path) -> Seeds:
    with tempfile.TemporaryDirectory(prefix="localsearch-seeds-") as folder:
        store = Path(folder) / "store"
        with ls.open(store=store, roots={"photos": photos}, thumbnails=False) as library:
            library.sync()
        return _features_in(store)


def _features_in(store: Path) -> Seeds:
    """All features of a store, by digest, so that their order does not depend on threads."""
    pack = load_pack(find_pack("general"))
    catalog = open_catalog(store, read_only=True)
    features = open_features(
        store,
        pack.encoder_digest,
        dimensions=pack.dimensions,
        classes=pack.classes,
        read_only=True,
    )
    try:
        with catalog.reading() as conn:
            digests = sorted({digest for _, digest in input_reads.live_featured_rows(conn)})
        vectors, logits, found = features.arrays_of(digests)
    finally:
        features.close()
        catalog.close()
    assert found.all()
    return Seeds(vectors, logits)


def _cache() -> Path:
    return Path(platformdirs.user_cache_dir("localsearch-benchmarks", appauthor=False))


def _name_of(photos: Path) -> str:
    """Of names and sizes, not of where the folder lies: a copy of it needs no inference."""
    told = hashlib.blake2b(digest_size=8)
    for file in sorted(path for path in photos.rglob("*") if path.is_file()):
        told.update(f"{file.relative_to(photos).as_posix()} {file.stat().st_size}\n".encode())
    return told.hexdigest()
