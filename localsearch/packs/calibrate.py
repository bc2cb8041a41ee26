"""What a pack's cosines mean, fitted anew on photos: `packs calibrate`, and the end of an export.

Needs no label and no torch. Never changes a vector of a photo: the encoder's digest stays, so that
a library only renews what it derives. Invariant: new arrays get new names, and the manifest, which
names them, is swapped last: a pack is wholly the old one or the new one.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.durable import replace_file, write_file
from localsearch.encoders import open_image_encoder
from localsearch.encoders.text_network import TextNetwork
from localsearch.errors import InputError, PackError, PictureError
from localsearch.machine import usable_cores
from localsearch.pack import find_pack
from localsearch.pack.digests import encoder_digest, file_digest, pack_digest
from localsearch.pack.load import Pack, load_pack
from localsearch.pack.manifest import MANIFEST, raw_manifest
from localsearch.pack.vocabulary import Vocabulary, kind_of
from localsearch.packs import own as own_packs
from localsearch.packs.fitting import fit_concepts, fit_text, fit_visual
from localsearch.packs.toml_text import toml_of
from localsearch.packs.vocabulary import (
    SOURCE_OF_LIST,
    Row,
    beside_classes,
    read_list,
    table_of_list,
)
from localsearch.packs.zero_shot import Tell, concept_vectors, open_text_network
from localsearch.pipeline.one import features_of_one
from localsearch.sources.forms import read_file
from localsearch.sources.ignore import Ignore
from localsearch.sources.walk import walk_folder

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]

FEWEST: Final = 8  # photos; below it a percentile is one photo
_MOST: Final = 1000  # more move no percentile, and take minutes
_DECOYS: Final = 128  # of their vectors stand in the pack as the background of texts
_COPY_SIDE: Final = 256  # pixels of the short side of the small copy of each photo
UNFITTED: Final = np.array([[1.0, 0.0, 0.5]], np.float32)  # of a concept: scale, offset, floor
_HERE: Final = Path(__file__).resolve().parent


class Calibrated(NamedTuple):
    """What a calibration did: photos that were used, and those that could not be read."""

    pack: str
    folder: Path
    version: int
    photos: int
    refused: int
    provisional: bool


class _Concepts(NamedTuple):
    """The concepts of a pack: their table, a row of `calibration` for each, and their probes.

    `own`: from a list of the user's, not yet in the pack.
    """

    table: str
    calibration: npt.NDArray[np.float32]
    probes: npt.NDArray[np.float32] | None
    own: bool


class _Seen(NamedTuple):
    """Unit vectors of photos and of small copies of them, float64 [n, D]."""

    photos: Floats
    copies: Floats
    refused: int


def demo_photos() -> Path:
    """The photos that come with the program: what a pack is calibrated on without others."""
    return _HERE.parent / "_demo" / "photos"


def captions() -> list[str]:
    """Captions of ours, of no photo in particular."""
    return (_HERE / "captions.txt").read_text(encoding="utf-8").splitlines()


def calibrate_pack(
    name: str | Path,
    photos: Path,
    tell: Tell = lambda text: None,
    *,
    vocabulary: Path | None = None,
) -> Calibrated:
    """Fit the pack of that name or folder to the photos below `photos`; see `calibrate`.

    Raises LibraryBusy where another process changes the pack, LibraryReadOnly for one that cannot
    be written: those of the program itself.
    """
    folder = find_pack(name)
    with own_packs.changing(folder.name, f"calibrating the pack {folder.name}", folder.parent):
        return calibrate(folder, photos, tell, vocabulary=vocabulary)


def calibrate(
    folder: Path, photos: Path | None, tell: Tell, *, vocabulary: Path | None = None
) -> Calibrated:
    """Fit maps, floors and concepts of the pack in `folder` on the photos below `photos`.

    Without photos on those of the demo, and marked as provisional. Vectors of up to 128 of them are
    kept in the pack, no picture. The concepts of the file `vocabulary` take the place of those that
    are there, but for classes. Raises InputError for too few photos and for no such list, PackError
    for a pack without a text network, and where it cannot be written.
    """
    own = None if vocabulary is None else read_list(vocabulary)
    pack = load_pack(folder)
    if pack.text is None or pack.text.network is None or pack.manifest.format < 3:
        raise PackError(
            f"the pack {pack.name} is none whose texts and concepts can be fitted so",
            hint="packs of `packs export` can",
        )
    seen = _look(pack, demo_photos() if photos is None else photos, tell)
    tell(f"captions in words: {len(captions())}")
    network = open_text_network(pack)
    try:
        words = network.encode_many(captions()).astype(np.float64)
        concepts = _there(pack) if own is None else _anew(pack, own, network, tell)
    finally:
        network.close()
    version = _write(pack, seen, words, concepts, provisional=photos is None)
    return Calibrated(
        pack.name, folder, version, len(seen.photos), seen.refused, provisional=photos is None
    )


def _look(pack: Pack, folder: Path, tell: Tell) -> _Seen:
    encoder = open_image_encoder(pack, threads=usable_cores())
    photos, copies, refused = list[Any](), list[Any](), 0
    try:
        paths = _sample(list(_paths(folder)))
        tell(f"photos: {len(paths):,}")
        for path in paths:
            try:
                first = features_of_one(
                    read_file(path), encoder, pack.image, thumbnail_side=_COPY_SIDE
                )
            except PictureError:
                refused += 1
                continue
            if first.vector is None or first.thumbnail is None:
                refused += 1
                continue
            again = features_of_one(first.thumbnail, encoder, pack.image)
            photos.append(first.vector)
            copies.append(first.vector if again.vector is None else again.vector)
    finally:
        encoder.close()
    if len(photos) < FEWEST:
        raise InputError(
            f"{folder} has {len(photos)} photos that can be read; {FEWEST} are the fewest",
            hint="some hundred photos of different things are best",
        )
    return _Seen(_unit(photos), _unit(copies), refused)


def _paths(folder: Path) -> Iterator[bytes]:
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder")
    for one in walk_folder(folder, Ignore()):
        for sighting in one.photos:
            if not sighting.placeholder:
                yield os.path.join(os.fsencode(folder), one.path, sighting.name)


def _sample(paths: list[bytes]) -> list[bytes]:
    """All of them, or so many at even distances: neighbours are often of one event."""
    if len(paths) <= _MOST:
        return paths
    return [paths[at] for at in np.linspace(0, len(paths) - 1, _MOST).astype(int)]


def _unit(vectors: list[Any]) -> Floats:
    wide = np.stack(vectors).astype(np.float64)
    found: Floats = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    return found


def _there(pack: Pack) -> _Concepts:
    """The concepts that a pack has."""
    manifest = pack.manifest
    table = (pack.folder / manifest.table).read_text(encoding="utf-8")
    probes = None if manifest.probes is None else np.load(pack.folder / manifest.probes)
    return _Concepts(table, np.load(pack.folder / manifest.calibration), probes, False)


def _anew(pack: Pack, own: Sequence[Row], network: TextNetwork, tell: Tell) -> _Concepts:
    """Those of a list in place of all but the classes of a pack."""
    classes = pack.image.classes > 0
    said = beside_classes(pack.vocabulary, own) if classes else table_of_list(own)
    stay = [kind_of(output) != "probe" for output in pack.vocabulary.outputs]
    kept = np.load(pack.folder / pack.manifest.calibration)[stay] if classes else UNFITTED[:0]
    calibration = np.concatenate([kept, np.repeat(UNFITTED, len(own), axis=0)])
    return _Concepts(said.table, calibration, concept_vectors(network, said.names, tell), True)


def _write(
    pack: Pack, seen: _Seen, words: Floats, concepts: _Concepts, *, provisional: bool
) -> int:
    raw = raw_manifest(pack.folder)
    version = int(raw["version"]) + 1
    text = fit_text(seen.photos, words)
    raw["version"] = version
    raw["scores"] = {"visual": list(fit_visual(seen.photos, seen.copies)), "text": list(text.knots)}
    raw["text"] |= {
        "floor_spreads": text.spreads,
        "floor_least": text.least,
        "floor_enough": text.enough,
        "provisional": provisional,
    }
    raw["concepts"]["provisional"] = provisional
    decoys = seen.photos[np.linspace(0, len(seen.photos) - 1, _DECOYS).astype(int)]
    decoys = np.unique(decoys.astype(np.float16), axis=0)
    made = [
        ("concepts", "calibration", f"calibration-{version}.npy", _npy(_fitted(concepts, seen))),
        ("text", "decoys", f"decoys-{version}.npy", _npy(decoys)),
    ]
    if concepts.own and concepts.probes is not None:
        table = concepts.table.encode("utf-8")
        made.append(("concepts", "table", f"concepts-{version}.tsv", table))
        made.append(("probes", "weights", f"probes-{version}.npy", _npy(concepts.probes)))
        _tell_source(raw)
    old = list[str]()
    for section, key, name, data in made:
        old.append(_swap(raw, section, key, name))
        _new_file(pack.folder / name, data)
    for name in old:
        raw["files"].pop(name, None)
    write_manifest(pack.folder, raw)
    load_pack(pack.folder)
    for name in set(old) - raw["files"].keys():
        with contextlib.suppress(OSError):  # in use, or gone: a file that nothing names
            (pack.folder / name).unlink(missing_ok=True)
    return version


def _fitted(concepts: _Concepts, seen: _Seen) -> npt.NDArray[np.float32]:
    """The rows of concepts that probes give, fitted; those of classes as they are."""
    found = concepts.calibration
    if concepts.probes is None:
        return found
    outputs = Vocabulary(concepts.table).outputs
    columns = np.array([at for at, output in enumerate(outputs) if "probe:" in output])
    order = np.array([int(outputs[at].rpartition(":")[2]) for at in columns])
    vectors = concepts.probes.astype(np.float64)[:, :-1]
    found[columns] = fit_concepts(seen.photos, vectors[order])
    return found


def _tell_source(raw: dict[str, Any]) -> None:
    """Let the part of the concepts say that they are the user's."""
    table = raw["concepts"]["table"]
    (words,) = (part for part in raw["parts"] if table in part["files"])
    words["source"] = SOURCE_OF_LIST
    if "classifier" not in raw:  # whose classes stay in the table
        words["licence"] = next(p["licence"] for p in raw["parts"] if p["name"] == "network")


def _swap(raw: dict[str, Any], section: str, key: str, name: str) -> str:
    """Let a section and the parts of a manifest name another file; gives the old name."""
    old = str(raw[section][key])
    raw[section][key] = name
    for part in raw["parts"]:
        part["files"] = [name if file == old else file for file in part["files"]]
    return old


def _new_file(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)  # of a calibration that did not come to its end
    write_file(path, data)


def _npy(array: npt.NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def write_manifest(folder: Path, raw: Mapping[str, Any]) -> None:
    """Swap the manifest of a pack for `raw` with the digests of its files and of all of it.

    Digests of files that it has already are kept: nothing else may change a file of a pack.
    """
    known = raw.get("files", {})
    named = sorted({file for part in raw["parts"] for file in part["files"]})
    files = {name: known.get(name) or _entry(folder / name) for name in named}
    made = {**raw, "files": files}
    made |= {"encoder_digest": encoder_digest(made), "pack_digest": pack_digest(made)}
    replace_file(folder / MANIFEST, toml_of(made).encode("utf-8"))


def _entry(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "blake3": file_digest(path)}
