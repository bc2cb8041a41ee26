"""`pack.toml` as a frozen record, checked before anything of a pack is believed.

Reads that one file; never opens another and never computes a digest of one. Invariant: a Manifest
that exists has every field of the right type, plain file names only, and digests that fit it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from localsearch.deferred import NamedTuple
from localsearch.errors import PackDamaged, PackError, PackMissing
from localsearch.pack.digests import encoder_digest, pack_digest
from localsearch.scores import ScoreMap

FORMAT = 2  # frozen: a reader refuses a higher one; 2 brought texts and what probes read
MANIFEST = "pack.toml"
_INTERPOLATIONS = ("bicubic", "bilinear")

_T = TypeVar("_T")


class ImageSpec(NamedTuple):
    """What the image network wants and gives: names of its input and outputs, sizes in pixels.

    `mean` and `std` are of values 0..255, in the order red, green, blue.
    """

    network: str
    input: str
    size: int
    resize: int
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    logits: str
    vector: str
    classes: int
    dimensions: int


class TextSpec(NamedTuple):
    """What turns words into a vector, and how cosines with it are read.

    Of files: `tokens`, their `table` and its `scales`, the layers in `head` (None: none), and
    `decoys`, vectors of unrelated pictures (None without). `gain` is the length that the sum of
    the tokens gets before the layers. `stop_words` alone say nothing.
    Of cosines: what a concept that a text names adds at most (`concept_weight`), and the floor: so
    many `spreads` above the median of all that a text is compared with, and `doubt` times what the
    best decoy lacks to the cosine `known`, within `least` and `enough`. `score_map` maps cosines
    to scores.
    """

    tokens: str
    table: str
    scales: str
    head: str | None
    gain: float
    stop_words: frozenset[str]
    decoys: str | None
    concept_weight: float
    spreads: float
    doubt: float
    known: float
    least: float
    enough: float
    score_map: ScoreMap

    @property
    def files(self) -> tuple[str, ...]:
        """All files that it is made of."""
        some = (self.tokens, self.table, self.scales, self.head, self.decoys)
        return tuple(name for name in some if name is not None)


class Part(NamedTuple):
    """One part of a pack that may be left out or not, and under which terms it stands."""

    name: str
    required: bool
    files: tuple[str, ...]
    licence: str
    source: str
    trained_on: str
    training_terms: str
    honest: str = ""  # what its terms leave open, in plain words


class Golden(NamedTuple):
    """A self test of a provider: the first numbers of the vector of a seeded picture."""

    seed: int
    vector: tuple[float, ...]
    top: tuple[int, ...]


class FileEntry(NamedTuple):
    """A file of the pack: its length in bytes and its BLAKE3 in hex."""

    bytes: int
    blake3: str


class Manifest(NamedTuple):
    """All of `pack.toml`; `probes` is the name of the file of probe weights, `probe_inputs` that of
    what they read beside the vector, `text` what makes a vector of words: None without them.
    """

    name: str
    version: int
    summary: str
    licence: str
    encoder_digest: str
    pack_digest: str
    image: ImageSpec
    table: str
    calibration: str
    temperature: float
    probes: str | None
    probe_inputs: str | None
    visual: ScoreMap
    text: TextSpec | None
    golden: Golden
    parts: tuple[Part, ...]
    files: Mapping[str, FileEntry]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the pack in `folder`. Raises as `raw_manifest` and `manifest_of` do."""
    return manifest_of(raw_manifest(folder), folder)


def raw_manifest(folder: Path) -> dict[str, Any]:
    """What the manifest of the pack in `folder` says, not yet checked.

    Raises PackMissing without one, PackDamaged where it is broken.
    """
    import tomllib

    path = folder / MANIFEST
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PackMissing(f"there is no pack in {folder}: {MANIFEST} is absent") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise PackDamaged(f"{path} cannot be read: {fault}") from fault


def manifest_of(raw: Mapping[str, Any], folder: Path) -> Manifest:
    """The manifest of the pack in `folder`, which says `raw`.

    Raises PackDamaged where it is none or its digests differ, PackError where a newer program is
    needed.
    """
    path = folder / MANIFEST
    if _take(raw, "format", int, path) > FORMAT:
        raise PackError(
            f"{path} has format {raw['format']}, this program reads up to {FORMAT}",
            hint="update localsearch",
        )
    try:
        _check_digests(raw, path)
        return _parsed(raw, path)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise PackDamaged(f"{path} is not a pack manifest: {fault!r}") from fault


def _check_digests(raw: Mapping[str, Any], path: Path) -> None:
    for name, compute in (("encoder_digest", encoder_digest), ("pack_digest", pack_digest)):
        expected, found = _take(raw, name, str, path), compute(raw)
        if expected != found:
            raise PackDamaged(f"{path}: {name} is wrong: expected {expected}, found {found}")


def _parsed(raw: Mapping[str, Any], path: Path) -> Manifest:
    concepts, golden = raw["concepts"], raw["golden"]
    files = {
        _plain(name, path): FileEntry(_take(entry, "bytes", int, path), entry["blake3"])
        for name, entry in raw["files"].items()
    }
    manifest = Manifest(
        name=_take(raw, "name", str, path),
        version=_take(raw, "version", int, path),
        summary=_take(raw, "summary", str, path),
        licence=_take(raw, "licence", str, path),
        encoder_digest=raw["encoder_digest"],
        pack_digest=raw["pack_digest"],
        image=_image(raw["image"], path),
        table=_take(concepts, "table", str, path),
        calibration=_take(concepts, "calibration", str, path),
        temperature=float(concepts["temperature"]),
        probes=_take(raw["probes"], "weights", str, path) if "probes" in raw else None,
        probe_inputs=_take(raw["probes"], "inputs", str, path)
        if "inputs" in raw.get("probes", {})
        else None,
        visual=ScoreMap(raw["scores"]["visual"]),
        text=_text(raw["text"], raw["scores"], path) if "text" in raw else None,
        golden=Golden(golden["seed"], tuple(map(float, golden["vector"])), tuple(golden["top"])),
        parts=tuple(_part(part, path) for part in raw["parts"]),
        files=files,
    )
    _check_names(manifest, path)
    return manifest


def _check_names(manifest: Manifest, path: Path) -> None:
    """Every file that is named anywhere has its digest, and temperatures are positive."""
    named = {manifest.image.network, manifest.table, manifest.calibration}
    named.update(name for name in (manifest.probes, manifest.probe_inputs) if name is not None)
    named.update(file for part in manifest.parts for file in part.files)
    named.update(() if manifest.text is None else manifest.text.files)
    for file in sorted(named):
        if file not in manifest.files:
            raise PackDamaged(f"{path} names {file} but has no digest of it")
    if not manifest.temperature > 0:
        raise PackDamaged(f"{path}: the temperature must be above zero")


def _image(raw: Mapping[str, Any], path: Path) -> ImageSpec:
    mean, std = (tuple(float(x) for x in raw[name]) for name in ("mean", "std"))
    spec = ImageSpec(
        network=_take(raw, "network", str, path),
        input=_take(raw, "input", str, path),
        size=_take(raw, "size", int, path),
        resize=_take(raw, "resize", int, path),
        interpolation=_take(raw, "interpolation", str, path),
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
        logits=_take(raw, "logits", str, path),
        vector=_take(raw, "vector", str, path),
        classes=_take(raw, "classes", int, path),
        dimensions=_take(raw, "dimensions", int, path),
    )
    if not 0 < spec.size <= spec.resize <= 4096 or spec.interpolation not in _INTERPOLATIONS:
        raise PackDamaged(f"{path}: [image] has an impossible size or interpolation")
    if spec.classes < 1 or spec.dimensions < 1 or not all(x > 0 for x in spec.std):
        raise PackDamaged(f"{path}: [image] has an impossible number")
    return spec


def _text(raw: Mapping[str, Any], scores: Mapping[str, Any], path: Path) -> TextSpec:
    spec = TextSpec(
        tokens=_take(raw, "tokens", str, path),
        table=_take(raw, "table", str, path),
        scales=_take(raw, "scales", str, path),
        head=_take(raw, "head", str, path) if "head" in raw else None,
        gain=float(raw["gain"]),
        stop_words=frozenset(map(str, _take(raw, "stop_words", list, path))),
        decoys=_take(raw, "decoys", str, path) if "decoys" in raw else None,
        concept_weight=float(raw["concept_weight"]),
        spreads=float(raw["floor_spreads"]),
        doubt=float(raw.get("floor_doubt", 0)),
        known=float(raw.get("floor_known", 0)),
        least=float(raw["floor_least"]),
        enough=float(raw["floor_enough"]),
        score_map=ScoreMap(scores["text"]),
    )
    if not (0 <= spec.concept_weight <= 1 and 0 <= spec.spreads <= 100 and 0 < spec.gain <= 1000):
        raise PackDamaged(f"{path}: [text] has an impossible number")
    if not (0 <= spec.doubt <= 100 and -1 <= spec.known <= 1):
        raise PackDamaged(f"{path}: the doubt of [text] is impossible")
    if not -1 <= spec.least <= spec.enough <= 1:
        raise PackDamaged(f"{path}: the floor of [text] is no pair of cosines in order")
    return spec


def _part(raw: Mapping[str, Any], path: Path) -> Part:
    texts = {
        name: _take(raw, name, str, path)
        for name in ("name", "licence", "source", "trained_on", "training_terms")
    }
    texts["honest"] = str(raw.get("honest", ""))
    return Part(required=_take(raw, "required", bool, path), files=tuple(raw["files"]), **texts)


def _plain(name: str, path: Path) -> str:
    """A file name that stays inside the folder of the pack, on every system."""
    if PurePosixPath(name).name != name or "\\" in name or ":" in name or name in (".", ".."):
        raise PackDamaged(f"{path} names a file outside its folder: {name!r}")
    return name


def _take(raw: Mapping[str, Any], name: str, kind: type[_T], path: Path) -> _T:
    value = raw.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise PackDamaged(f"{path}: `{name}` is absent or not of type {kind.__name__}")
    return value
