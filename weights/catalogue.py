"""Writes an entry of the catalogue for a pack that was uploaded to a hub.

    python -m weights.catalogue DIR URL [MODEL --pretrained TAG] >> weights/catalogue.toml

DIR is the pack as `packs export` made it, URL the folder on the hub that its files were uploaded
to, with the commit in it: https://huggingface.co/ORG/NAME/resolve/COMMIT. What follows is the
command of the export. Every length and SHA-256 is computed from the files of DIR, after they were
compared with the pack's own digests; nothing is fetched.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from localsearch.pack import load_pack
from localsearch.pack.manifest import MANIFEST
from localsearch.packs.catalogue import read_catalogue

_CARD = "MODEL_CARD.md"


def entry_text(folder: Path, base: str, export: str) -> str:
    """The entry, as TOML. Raises PackDamaged, PackMissing."""
    manifest = load_pack(folder, check="whole").manifest
    part = manifest.parts[0]
    lines = [f"[packs.{manifest.name}]"]
    for key, text in (
        ("summary", manifest.summary),
        ("licence", manifest.licence),
        ("source", part.source),
        ("trained_on", part.trained_on),
        ("training_terms", " ".join((part.training_terms, part.honest)).strip()),
        ("export", export),
    ):
        lines.append(f"{key} = {json.dumps(text, ensure_ascii=False)}")
    lines += [f"version = {manifest.version}", f'pack_digest = "{manifest.pack_digest}"']
    lines.append(f'base = "{base.rstrip("/")}"')
    names = [MANIFEST, *sorted(manifest.files)]
    names += [_CARD] if (folder / _CARD).is_file() else []
    for name in names:
        data = (folder / name).read_bytes()
        lines += ["", f"[[packs.{manifest.name}.files]]", f'name = "{name}"']
        lines += [f"bytes = {len(data)}", f'sha256 = "{hashlib.sha256(data).hexdigest()}"']
    return "\n".join(lines) + "\n"


def checked(text: str, scratch: Path) -> str:
    """The same text, once the reader of catalogues takes it. Raises PackError."""
    scratch.write_text("format = 1\n\n" + text, encoding="utf-8")
    read_catalogue(scratch)
    return text


def main(words: list[str]) -> int:
    """Print the entry."""
    from tempfile import TemporaryDirectory

    if len(words) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    text = entry_text(Path(words[0]), words[1], " ".join(words[2:]))
    with TemporaryDirectory() as scratch:
        print(checked(text, Path(scratch) / "catalogue.toml"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
