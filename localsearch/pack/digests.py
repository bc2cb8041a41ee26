"""The three digests of a pack: of one file, of what makes features, of the whole.

Never reads a manifest from disk and never decides what a mismatch means. Invariant (frozen): the
canonical form is `json.dumps(..., sort_keys=True, separators=(",", ":"))` of the manifest as
`tomllib` gives it; the scripts that build packs call these functions and have none of their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blake3 import blake3

_CHUNK = 1 << 20


def file_digest(path: Path) -> str:
    """BLAKE3 of the bytes of a file, 64 hex digits. Raises OSError."""
    state = blake3()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
    return state.hexdigest()


def encoder_digest(manifest: Mapping[str, Any]) -> str:
    """What decides whether features are valid: preprocessing, outputs, and the networks' bytes.

    Of a text network it knows nothing: vectors of photos stay when that is another.
    """
    sections = {name: manifest[name] for name in ("image", "classifier") if name in manifest}
    networks = [section["network"] for section in sections.values()]
    files = {network: manifest["files"][network]["blake3"] for network in networks}
    return _digest_of({**sections, "files": files})


def pack_digest(manifest: Mapping[str, Any]) -> str:
    """What decides whether segments are valid: all of the manifest but the two digests.

    The manifest names the digest of every file, so this covers their bytes too.
    """
    own = ("encoder_digest", "pack_digest")
    return _digest_of({name: value for name, value in manifest.items() if name not in own})


def _digest_of(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return blake3(text.encode("utf-8")).hexdigest()
