"""The packs of this machine: in the user's data folder, in the package, in a checkout.

Reads manifests and, to verify, whole files. Invariant: what is told of a pack is what its
manifest says; a manifest whose digests are wrong tells nothing.
"""

from __future__ import annotations

from pathlib import Path

from localsearch.deferred import dataclass
from localsearch.errors import LocalsearchError, PackDamaged
from localsearch.pack import find
from localsearch.pack.find import available_packs, find_pack
from localsearch.pack.load import load_pack
from localsearch.pack.manifest import Manifest, Part, read_manifest
from localsearch.pack.vocabulary import Vocabulary
from localsearch.records import ConceptInfo


@dataclass(frozen=True, slots=True)
class PackInfo:
    """A pack at a glance. `fault` tells why it cannot be used; the rest is empty then.

    `bytes` is the size of all its files; `yours`, that it lies in the user's own packs. Pictures
    come as squares of `pixels`, cut out of them or squashed to them (`fit`). `text` is "network",
    "table" or "": what makes vectors of words, of `context` tokens at most (0: any number).
    `provisional` are the sections whose numbers were fitted on no photos of the user.
    """

    name: str
    folder: Path
    version: int = 0
    summary: str = ""
    licence: str = ""
    encoder_digest: str = ""
    pack_digest: str = ""
    bytes: int = 0
    dimensions: int = 0
    classes: int = 0
    concepts: int = 0
    parts: tuple[Part, ...] = ()
    fault: str = ""
    yours: bool = False
    pixels: int = 0
    fit: str = ""
    text: str = ""
    context: int = 0
    logit_scale: float | None = None
    logit_bias: float | None = None
    provisional: tuple[str, ...] = ()


def list_packs() -> list[PackInfo]:
    """All packs that a name finds, by name; a damaged one stands in the list with its fault."""
    return [_glance(folder) for folder in available_packs()]


def show_pack(name: str | Path) -> PackInfo:
    """One pack with its parts and the number of its concepts. PackMissing, PackDamaged."""
    folder = find_pack(name)
    return _info(folder, read_manifest(folder), concepts=len(load_pack(folder).vocabulary))


def verify_pack(name: str | Path) -> PackInfo:
    """Read every byte of a pack and compare all digests. Raises PackDamaged, which names both."""
    folder = find_pack(name)
    pack = load_pack(folder, check="whole")
    return _info(folder, pack.manifest, concepts=len(pack.vocabulary))


def concepts_of(name: str | Path, prefix: str = "") -> tuple[ConceptInfo, ...]:
    """The concepts of a pack whose name or synonym begins with `prefix` (all without), by name."""
    vocabulary = load_pack(find_pack(name)).vocabulary
    found = vocabulary.starting_with(prefix) if prefix else vocabulary.concepts
    return tuple(
        ConceptInfo(c.id, c.name, c.synonyms, c.parents, c.kind, c.definition)
        for c in sorted(found, key=lambda one: one.name)
    )


def _glance(folder: Path) -> PackInfo:
    try:
        manifest = read_manifest(folder)
        return _info(folder, manifest, concepts=_count_concepts(folder / manifest.table))
    except LocalsearchError as fault:
        return PackInfo(folder.name, folder, fault=fault.message)


def _count_concepts(table: Path) -> int:
    """The number of concepts from the table alone: a list need not read the whole network."""
    try:
        return len(Vocabulary(table.read_text(encoding="utf-8"), str(table)))
    except (OSError, UnicodeDecodeError) as fault:
        raise PackDamaged(f"{table} cannot be read: {fault}") from fault


def _info(folder: Path, manifest: Manifest, concepts: int) -> PackInfo:
    text = manifest.text
    network = None if text is None else text.network
    return PackInfo(
        name=manifest.name,
        folder=folder,
        version=manifest.version,
        summary=manifest.summary,
        licence=manifest.licence,
        encoder_digest=manifest.encoder_digest,
        pack_digest=manifest.pack_digest,
        bytes=sum(entry.bytes for entry in manifest.files.values()),
        dimensions=manifest.image.dimensions,
        classes=manifest.image.classes,
        concepts=concepts,
        parts=manifest.parts,
        yours=folder.parent == find.pack_places()[0],
        pixels=manifest.image.size,
        fit=manifest.image.fit,
        text="" if text is None else "table" if network is None else "network",
        context=0 if network is None else network.context,
        logit_scale=None if network is None else network.logit_scale,
        logit_bias=None if network is None else network.logit_bias,
        provisional=manifest.provisional,
    )
