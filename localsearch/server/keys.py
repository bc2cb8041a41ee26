"""Who may do what: the keys of a file or of the environment, and what a request shows of one.

A key is never logged, never part of a message and never compared but by its digest, all of them
each time, in constant time. Invariant: without keys everybody may do everything, which is why
`settings` refuses that beyond this computer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from localsearch import InputError

ENVIRONMENT = "LOCALSEARCH_KEY"
_RIGHTS = {"read": False, "write": True}
_LONGEST = 512  # characters of a key; a file of something else is told at once
_TOKEN_DIGITS = 40


class Lacking(Enum):
    """Why a request is not let in: no key in a form that is known, or one that nobody has."""

    HEADER = "no-key"
    KEY = "unknown-key"
    TOKEN = "unknown-token"
    CREDENTIALS = "unknown-credentials"


@dataclass(frozen=True, slots=True)
class Key:
    """One key; `repr` does not show it."""

    secret: str = field(repr=False)
    may_write: bool
    digest: bytes = field(repr=False)

    @property
    def token(self) -> str:
        """What `POST /token` gives for it: good as a Bearer, useless for guessing the key."""
        return _signed(self.secret, "token").hex()[:_TOKEN_DIGITS]

    def signature(self, text: str) -> str:
        """32 hex digits that only who knows the key can make of `text`."""
        return _signed(self.secret, f"picture {text}")[:16].hex()


ANYBODY = Key("", True, b"")
"""Stands for the key of a server that has none."""


def _signed(secret: str, text: str) -> bytes:
    # An id may hold half a surrogate pair: it came as JSON.
    data = text.encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode("utf-8"), data, hashlib.sha256).digest()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class Keys:
    """The keys of a server; empty: everybody is let in."""

    def __init__(self, rights: Mapping[str, bool] | None = None) -> None:
        self._keys = tuple(Key(one, may, _digest(one)) for one, may in (rights or {}).items())
        self._tokens = tuple((_digest(one.token), one) for one in self._keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    @property
    def first(self) -> str | None:
        """The first key that may write, else the first; for who started this server."""
        best = sorted(self._keys, key=lambda one: not one.may_write)
        return best[0].secret if best else None

    def of(self, headers: Mapping[str, str]) -> Key | Lacking:
        """The key of a request."""
        if not self._keys:
            return ANYBODY
        scheme, _, value = headers.get("authorization", "").strip().partition(" ")
        scheme, value = scheme.lower(), value.strip()
        if scheme == "basic" and value:
            return self._of_basic(value)
        if scheme not in ("key", "bearer") or not value:
            scheme, value = "bearer", headers.get("x-clarifai-session-token", "").strip()
        if not value:
            return Lacking.HEADER
        return self._found(value) or (Lacking.KEY if scheme == "key" else Lacking.TOKEN)

    def signed(self, text: str, signature: str) -> bool:
        """Whether one of the keys made `signature` of `text`; always so without keys."""
        given = signature.encode("utf-8", "replace")
        fits = [hmac.compare_digest(one.signature(text).encode(), given) for one in self._keys]
        return any(fits) or not self._keys

    def _of_basic(self, value: str) -> Key | Lacking:
        """An application's id and secret: either may be a key."""
        try:
            pair = base64.b64decode(value, validate=True).decode("utf-8")
        except ValueError:
            return Lacking.HEADER
        id_, _, secret = pair.partition(":")
        by_id, by_secret = self._found(id_), self._found(secret)
        return by_secret or by_id or Lacking.CREDENTIALS

    def _found(self, value: str) -> Key | None:
        """Every key is compared, whichever fits: the time tells nothing."""
        digest, found = _digest(value), None
        for stored, one in (*((key.digest, key) for key in self._keys), *self._tokens):
            if hmac.compare_digest(stored, digest):
                found = one
        return found


def keys_of(file: Path | None, environment: Mapping[str, str] = os.environ) -> Keys:
    """The keys of `file`, else of the variable LOCALSEARCH_KEY; none without either.

    A line is `KEY [read|write]` (write if nothing is said), `#` begins a comment. Raises
    InputError, which names the line and not what stands in it.
    """
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeError) as fault:
            raise InputError(f"the key file {file} cannot be read: {fault}") from fault
        return Keys(_rights(text, str(file)))
    text = environment.get(ENVIRONMENT, "")
    return Keys(_rights(text, ENVIRONMENT)) if text.strip() else Keys()


def _rights(text: str, where: str) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        right = words[1].lower() if len(words) == 2 else "write"
        if len(words) > 2 or right not in _RIGHTS:
            raise InputError(f"{where}, line {number}: a line is KEY [read|write]")
        key = words[0]
        if len(key) > _LONGEST or not key.isascii() or not key.isprintable():
            raise InputError(f"{where}, line {number}: a key is printable ASCII without spaces")
        if found.get(key, _RIGHTS[right]) != _RIGHTS[right]:
            raise InputError(f"{where}, line {number}: this key has other rights above")
        found[key] = _RIGHTS[right]
    if not found:
        raise InputError(f"{where} holds no key", hint="a line is KEY [read|write]")
    return found
