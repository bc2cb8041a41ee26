"""Which pack answers, which is being built, which answered before.

Never reads a pack. Invariants: one pack a role; the era rises with every change after which files
beside the catalog may be others than those that somebody holds open under the same names.
"""

from __future__ import annotations

import sqlite3
from typing import Final, Literal

from localsearch.catalog import settings
from localsearch.deferred import NamedTuple

Role = Literal["active", "building", "previous"]
ERA: Final = "era"
"""The counter of eras."""


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
        begin_era(conn)
    put(conn, "active", pack)
    if building(conn) == pack:
        forget(conn, "building")


def era(conn: sqlite3.Connection) -> int:
    """The era of the store: a handle that stands on another one opens all files anew."""
    return settings.current_value(conn, ERA)


def begin_era(conn: sqlite3.Connection) -> None:
    """Have every handle, in every process, open the store's files anew.

    A pack that comes back to the same digest is not enough to go by: its features were deleted
    and made again meanwhile, and who holds the old file would read and write what nobody sees.
    """
    settings.next_value(conn, ERA)


def marks(conn: sqlite3.Connection) -> tuple[str | None, dict[str, int]]:
    """The digest of the active pack (None: not chosen yet), and all counters by name."""
    found = conn.execute(
        "SELECT NULL, pack_digest FROM packs WHERE role = 'active'"
        " UNION ALL SELECT name, value FROM counters"
    ).fetchall()
    counters = {name: value for name, value in found if name is not None}
    return next((digest for name, digest in found if name is None), None), counters


def standing(conn: sqlite3.Connection) -> tuple[str, int] | None:
    """(digest of the active pack, era): asked at each transaction, so by one statement."""
    found = conn.execute(
        "SELECT pack_digest, coalesce((SELECT value FROM counters WHERE name = 'era'), 0)"
        " FROM packs WHERE role = 'active'"
    ).fetchone()
    return None if found is None else (found[0], found[1])


def forget(conn: sqlite3.Connection, role: Role) -> None:
    """Take a role away; no file is touched."""
    conn.execute("DELETE FROM packs WHERE role = ?", (role,))
