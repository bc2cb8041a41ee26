"""`pack.toml` as a frozen record, checked before anything of a pack is believed.

Reads that one file; never opens another and never computes a digest of one. Invariant: a Manifest
that exists has every field of the right type, plain file names only, and digests that fit it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localsearch.deferred import NamedTuple
from localsearch.errors import PackDamaged, PackError, PackMissing
from localsearch.pack.digests import encoder_digest, pack_digest
from localsearch.pack.specs import (
    ImageSpec,
    NetworkSpec,
    TableSpec,
    TextSpec,
    image_spec,
    plain_name,
    take,
    take_if,
    text_spec,
)
from localsearch.scores import ScoreMap

__all__ = [
    "FORMAT",
    "MANIFEST",
    "FileEntry",
    "Golden",
    "GoldenText",
    "ImageSpec",
    "Manifest",
    "NetworkSpec",
    "Part",
    "TableSpec",
    "TextSpec",
    "manifest_of",
    "raw_manifest",
    "read_manifest",
]

# Frozen: a reader refuses a higher one. 2 brought texts and what probes read; 3 text networks,
# image networks without classes, a classifier beside, and probes as whole numbers.
FORMAT = 3
MANIFEST = "pack.toml"
_FITTED = ("concepts", "text")  # sections with numbers that are fitted on photos


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


class GoldenText(NamedTuple):
    """A self test of a text network: its tokens, and the first numbers of its vector."""

    text: str
    tokens: tuple[int, ...]
    vector: tuple[float, ...]


class Golden(NamedTuple):
    """A self test of a provider: the first numbers of the vector of a seeded picture.

    `top` are its best classes; empty without any. `alike` is the cosine between the vectors of this
    picture and that of the next seed; None: not told.
    """

    seed: int
    vector: tuple[float, ...]
    top: tuple[int, ...]
    alike: float | None
    text: GoldenText | None


class FileEntry(NamedTuple):
    """A file of the pack: its length in bytes and its BLAKE3 in hex."""

    bytes: int
    blake3: str


class Manifest(NamedTuple):
    """All of `pack.toml`; `probes` is the name of the file of probe weights, `probe_inputs` that of
    what they read beside the vector, `text` what makes a vector of words: None without them.
    `provisional` are the sections whose numbers were fitted on no photos of the user.
    """

    format: int
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
    provisional: tuple[str, ...]
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
    if take(raw, "format", int, path) > FORMAT:
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
        expected, found = take(raw, name, str, path), compute(raw)
        if expected != found:
            raise PackDamaged(f"{path}: {name} is wrong: expected {expected}, found {found}")


def _parsed(raw: Mapping[str, Any], path: Path) -> Manifest:
    concepts, probes = raw["concepts"], raw.get("probes", {})
    files = {
        plain_name(name, path): FileEntry(take(entry, "bytes", int, path), entry["blake3"])
        for name, entry in raw["files"].items()
    }
    manifest = Manifest(
        format=raw["format"],
        name=take(raw, "name", str, path),
        version=take(raw, "version", int, path),
        summary=take(raw, "summary", str, path),
        licence=take(raw, "licence", str, path),
        encoder_digest=raw["encoder_digest"],
        pack_digest=raw["pack_digest"],
        image=image_spec(raw, path),
        table=take(concepts, "table", str, path),
        calibration=take(concepts, "calibration", str, path),
        temperature=float(concepts["temperature"]),
        probes=take(probes, "weights", str, path) if "probes" in raw else None,
        probe_inputs=take_if(probes, "inputs", str, path),
        visual=ScoreMap(raw["scores"]["visual"]),
        text=text_spec(raw["text"], raw["scores"], path) if "text" in raw else None,
        provisional=tuple(name for name in _FITTED if _is_provisional(raw, name, path)),
        golden=_golden(raw["golden"], path),
        parts=tuple(_part(part, path) for part in raw["parts"]),
        files=files,
    )
    _check_names(manifest, path)
    _check_golden(manifest, path)
    return manifest


def _is_provisional(raw: Mapping[str, Any], section: str, path: Path) -> bool:
    return bool(take_if(raw.get(section, {}), "provisional", bool, path))


def _golden(raw: Mapping[str, Any], path: Path) -> Golden:
    text, alike = raw.get("text"), raw.get("alike")
    return Golden(
        seed=take(raw, "seed", int, path),
        vector=tuple(map(float, raw["vector"])),
        top=tuple(map(int, raw.get("top", ()))),
        alike=None if alike is None else float(alike),
        text=None
        if text is None
        else GoldenText(
            take(text, "text", str, path),
            tuple(map(int, text["tokens"])),
            tuple(map(float, text["vector"])),
        ),
    )


def _check_golden(manifest: Manifest, path: Path) -> None:
    """What runs has its self test: without one a wrong provider would not be found."""
    golden, text = manifest.golden, manifest.text
    if not golden.vector or bool(golden.top) != bool(manifest.image.classes):
        raise PackDamaged(f"{path}: [golden] does not fit the image network")
    network = None if text is None else text.network
    if network is not None:
        tokens = 0 if golden.text is None else len(golden.text.tokens)
        if tokens != network.context:
            raise PackDamaged(
                f"{path}: [golden.text] has {tokens} tokens, the text network {network.context}"
            )


def _check_names(manifest: Manifest, path: Path) -> None:
    """Every file that is named anywhere has its digest, and temperatures are positive."""
    named = {manifest.table, manifest.calibration}
    named.update(each.network for each in manifest.image.networks)
    named.update(name for name in (manifest.probes, manifest.probe_inputs) if name is not None)
    named.update(file for part in manifest.parts for file in part.files)
    named.update(() if manifest.text is None else manifest.text.files)
    for file in sorted(named):
        if file not in manifest.files:
            raise PackDamaged(f"{path} names {file} but has no digest of it")
    if not manifest.temperature > 0:
        raise PackDamaged(f"{path}: the temperature must be above zero")


def _part(raw: Mapping[str, Any], path: Path) -> Part:
    texts = {
        name: take(raw, name, str, path)
        for name in ("name", "licence", "source", "trained_on", "training_terms")
    }
    texts["honest"] = str(raw.get("honest", ""))
    return Part(required=take(raw, "required", bool, path), files=tuple(raw["files"]), **texts)
