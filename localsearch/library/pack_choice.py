"""Which pack a reindex leads to: the one that is named, the one that was begun, or a newer one.

Never copies a pack and never writes.
"""

from __future__ import annotations

from localsearch.catalog import packs
from localsearch.catalog.features import features_path
from localsearch.catalog.packs import PackRow
from localsearch.deferred import NamedTuple
from localsearch.errors import PackError
from localsearch.library.parts import Parts
from localsearch.pack import Pack, find_pack, load_pack


class Target(NamedTuple):
    """A pack, and whether it is another one than the store uses now."""

    pack: Pack
    switches: bool


def target_of(parts: Parts, wanted: str | None, *, rollback: bool) -> Target:
    """What is meant. Raises PackMissing, PackDamaged, PackError (nothing to go back to)."""
    if rollback:
        pack = _previous(parts)
    elif wanted is not None:
        pack = load_pack(find_pack(wanted))
    else:
        pack = _begun(parts) or newer_pack(parts) or parts.pack
    return Target(pack, pack.pack_digest != parts.pack.pack_digest)


def newer_pack(parts: Parts) -> Pack | None:
    """The installed pack of the same name, if it is not the store's and not an older version."""
    try:
        installed = load_pack(find_pack(parts.pack.name))
    except PackError:
        return None
    other = installed.pack_digest != parts.pack.pack_digest
    return installed if other and installed.version >= parts.pack.version else None


def _begun(parts: Parts) -> Pack | None:
    """The pack that a reindex was moving to when it was stopped, or died."""
    with parts.truth.catalog.reading() as conn:
        row = packs.building(conn)
    if row is None:
        return None
    try:
        return kept_pack(parts, row)
    except PackError:
        return None  # its copy is damaged: begun anew with what is installed


def _previous(parts: Parts) -> Pack:
    with parts.truth.catalog.reading() as conn:
        row = packs.previous(conn)
    if row is None:
        raise PackError(
            "this library has no pack to go back to",
            hint="there is one after a reindex, until compact or the next reindex drops it",
        )
    if not features_path(parts.truth.store, row.encoder_digest).exists():
        raise PackError(
            f"the features of {row.name} {row.version} were dropped",
            hint=f"if it is still installed: localsearch reindex --pack {row.name}",
        )
    return kept_pack(parts, row)


def kept_pack(parts: Parts, row: PackRow) -> Pack:
    """The store's own copy of a pack, else the same pack where it is installed."""
    try:
        pack = load_pack(parts.truth.store / row.folder)
    except PackError:
        pack = load_pack(find_pack(row.name))
    if pack.pack_digest != row.pack_digest:
        raise PackError(
            f"{row.folder} holds another pack than {row.name} {row.version}",
            hint=f"localsearch reindex --pack {row.name}",
        )
    return pack
