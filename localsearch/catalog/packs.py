"""Which pack answers, which is being built, which answered before.

Never reads a pack. Invariant: one pack a role.
"""

from __future__ import annotations

import sqlite3
from typing import Literal

from localsearch.deferred import NamedTuple

Role = Literal["active", "building", "previous"]


class PackRow(NamedTuple):
    """A pack as the store uses it; `folder` is relative to the store, with `/`."""

    name: str
    version: int
    encoder_digest: str
    pack_digest: str
    folder: str


def of_role(conn: sqlite3.Connection, role: Role) -> PackRow | None:
    """The pack of a role, or None."""
    found = conn.execute(
        "SELECT name, version, encoder_digest, pack_digest, folder FROM packs WHERE role = ?",
        (role,),
    ).fetchone()
    return None if found is None else PackRow(*found)


def active(conn: sqlite3.Connection) -> PackRow | None:
    """The pack that answers searches; None in a store that has not chosen yet."""
    return of_role(conn, "active")


def building(conn: sqlite3.Connection) -> PackRow | None:
    """The pack whose features are being made beside the active one's."""
    return of_role(conn, "building")


def previous(conn: sqlite3.Connection) -> PackRow | None:
    """The pack that was active before, as long as its features are kept."""
    return of_role(conn, "previous")


def all_named(conn: sqlite3.Connection) -> list[PackRow]:
    """The packs of all roles."""
    sql = "SELECT name, version, encoder_digest, pack_digest, folder FROM packs ORDER BY role"
    return [PackRow(*row) for row in conn.execute(sql)]


def put(conn: sqlite3.Connection, role: Role, pack: PackRow) -> None:
    """Give a role to a pack; what had it has it no longer."""
    conn.execute(
        "INSERT OR REPLACE INTO packs"
        " (role, name, version, encoder_digest, pack_digest, folder) VALUES (?, ?, ?, ?, ?, ?)",
        (role, *pack),
    )


def put_active(conn: sqlite3.Connection, pack: PackRow) -> None:
    """Make a pack the active one and keep the one before, for going back."""
    before = active(conn)
    if before is not None and before != pack:
        put(conn, "previous", before)
    put(conn, "active", pack)
    if building(conn) == pack:
        forget(conn, "building")


def forget(conn: sqlite3.Connection, role: Role) -> None:
    """Take a role away; no file is touched."""
    conn.execute("DELETE FROM packs WHERE role = ?", (role,))
