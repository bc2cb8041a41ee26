"""What open_clip says, written down for the tests: token ids of many texts, and prepared pictures.

Needs open_clip and torchvision (the extra `export`): python -m weights.clip_golden. Writes
tests/exact/: `merges.txt.xz` (the merges of open_clip's own tokenizer, MIT, see SOURCES.md there),
`prepared.npz`, `t5.model.xz` and `gemma.model.xz` (small SentencePiece models of the two kinds that
SigLIP has, learned here) and `tokens.json` (a digest of the ids of each hundred texts).
"""

from __future__ import annotations

import gzip
import json
import lzma
import tempfile
from importlib import metadata
from pathlib import Path

import numpy as np
import open_clip
import torch
from blake3 import blake3
from open_clip.tokenizer import HFTokenizer, SimpleTokenizer, default_bpe
from open_clip.transform import image_transform
from PIL import Image

from tests.exact.pictures import GOLDEN, picture
from tests.exact.sentences import CONTEXT, KINDS, Kind, model_of, texts_of
from tests.exact.strings import strings

PLACE = Path(__file__).resolve().parents[1] / "tests" / "exact"
CLEANINGS = ("lower", "whitespace", "canonicalize")
PART = 100  # texts in a digest
MAKERS = ("open-clip-torch", "transformers", "tokenizers", "sentencepiece", "ftfy", "regex")
SIZES = {"bicubic": (40, 33), "bilinear": (40,)}  # pixels; the golden file stays small


def merges() -> list[str]:
    """The lines of open_clip's file that its tokenizer reads."""
    lines = gzip.decompress(Path(default_bpe()).read_bytes()).decode("utf-8").split("\n")
    return lines[1 : 49152 - 256 - 2 + 1]


def digests(ids: np.ndarray) -> list[str]:
    """A digest of each PART rows of token ids."""
    wide = ids.astype("<i8")
    return [
        blake3(wide[at : at + PART].tobytes()).hexdigest()[:16] for at in range(0, len(wide), PART)
    ]


def sentence_digests(name: str, kind: Kind) -> list[str]:
    """Digests of what transformers makes of texts with a small model, which is written too."""
    model = model_of(kind)
    (PLACE / f"{name}.model.xz").write_bytes(lzma.compress(model, preset=9))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / kind.file).write_bytes(model)
        (folder / "tokenizer_config.json").write_text(json.dumps(kind.config))
        (folder / "config.json").write_text(json.dumps({"model_type": name}))
        tokenizer = HFTokenizer(str(folder), context_length=CONTEXT, clean="canonicalize")
        return digests(tokenizer(texts_of(kind)).numpy())


def main() -> None:
    """Write the files."""
    lines = "".join(f"{line}\n" for line in merges())
    (PLACE / "merges.txt.xz").write_bytes(lzma.compress(lines.encode("utf-8"), preset=9))
    texts = strings()
    found = {
        clean: digests(SimpleTokenizer(clean=clean)(texts).numpy())  # type: ignore[no-untyped-call]
        for clean in CLEANINGS
    }
    sentences = {name: sentence_digests(name, kind) for name, kind in KINDS.items()}
    made_by = {name: metadata.version(name) for name in MAKERS}
    golden = {"made_by": made_by, "part": PART, "digests": found, "sentences": sentences}
    text = json.dumps(golden, indent=1)
    (PLACE / "tokens.json").write_text(text + "\n", encoding="utf-8")
    arrays = dict[str, np.ndarray]()
    for mode in ("shortest", "squash"):
        for method in SIZES:
            for size in SIZES[method]:
                one = image_transform(
                    size, False, (0.0,) * 3, (1.0,) * 3, resize_mode=mode, interpolation=method
                )
                for width, height in GOLDEN:
                    tensor: torch.Tensor = one(Image.fromarray(picture(width, height)))
                    levels = np.rint(tensor.numpy() * 255).astype(np.uint8).transpose(1, 2, 0)
                    arrays[f"{mode} {method} {size} {width}x{height}"] = levels
    np.savez_compressed(PLACE / "prepared.npz", **arrays)
    print(open_clip.__version__, made_by, {p.name: p.stat().st_size for p in PLACE.iterdir()})


if __name__ == "__main__":
    main()
