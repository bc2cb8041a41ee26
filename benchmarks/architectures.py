"""Each architecture of OpenCLIP that packs promise, exported with seeded random weights and used.

    python -m benchmarks.architectures [MODEL ...] [--precision fp32]

One process and one folder for each, gone before the next: the largest take 4 GB of both. A row
tells whether ONNX gives what torch gives, whether batches give what single pictures give, whether
the pack lives (verified, fitted anew, a library over it) and whether photos find themselves. Random
weights find nothing else: they prove the path, not the search. Without torch it says so and ends.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

SEED: Final = 13
IN_CI: Final = ("ViT-B-32", "RN50", "MobileCLIP-S1", "ViT-B-16-SigLIP")
OTHERS: Final = (
    *("ViT-B-32-256", "ViT-B-16", "ViT-L-14", "MobileCLIP-S2"),
    *("MobileCLIP2-S0", "MobileCLIP2-S2", "MobileCLIP2-B", "ViT-B-16-SigLIP-256"),
    *("ViT-B-16-SigLIP2", "ViT-B-32-SigLIP2-256", "ViT-SO400M-14-SigLIP"),
)
_COLUMNS: Final = {
    "model": "model",
    "size": "px",
    "dimensions": "vector",
    "megabytes": "MB",
    "image": "image cosine",
    "text": "text cosine",
    "alike": "two pictures",
    "apart": "batch - single",
    "themselves": "find themselves",
    "life": "pack life",
    "seconds": "s",
}
_CONCEPTS: Final = "dog\tpuppy\ncat\nhorse\nperson\tpeople\nmountain\nrocket\ncoffee\n"


def missing() -> str:
    """What of the extra `export` is not installed here; empty if nothing."""
    needed = ("torch", "open_clip", "onnx", "sentencepiece")
    return ", ".join(name for name in needed if importlib.util.find_spec(name) is None)


def small_tokenizer(path: Path) -> Path:
    """A SentencePiece model of the kind of SigLIP's, of our captions: no package carries theirs.

    Its pad, end and unknown are 0, 1 and 2, as in T5 and Gemma.
    """
    import io

    import sentencepiece

    from localsearch.packs.calibrate import captions

    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(captions()),
        model_writer=made,
        vocab_size=300,
        hard_vocab_limit=False,
        byte_fallback=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    path.write_bytes(made.getvalue())
    return path


def exported(model: str, folder: Path, precision: str = "fp32") -> Any:
    """Export a model with seeded random weights below `folder`, with a few concepts."""
    from localsearch.packs import ExportOptions, export_pack

    folder.mkdir(parents=True, exist_ok=True)
    words = folder / "concepts.txt"
    words.write_text(_CONCEPTS, encoding="utf-8")
    tokens = small_tokenizer(folder / "small.model") if "SigLIP" in model else None
    options = ExportOptions(
        precision=precision, out=folder, vocabulary=words, tokenizer=tokens, random_seed=SEED
    )
    return export_pack(model, options)


def used(pack: Path, folder: Path) -> tuple[int, int]:
    """A library of the demo's photos over a pack: how many there are, how many find themselves.

    Raises AssertionError where a text or a concept brings no answer that can be one.
    """
    import localsearch as ls
    from localsearch.packs.calibrate import demo_photos

    photos = folder / "photos"
    shutil.copytree(demo_photos(), photos)
    with ls.open(store=folder / "store", roots={"photos": photos}, pack=str(pack)) as library:
        report = library.sync()
        assert not report.failed, report
        paths = sorted(photos.iterdir())
        found = [library.search(ls.like(path), limit=1).hits[0] for path in paths]
        right = sum(
            hit.score == 1.0 and hit.path == path for hit, path in zip(found, paths, strict=True)
        )
        said = library.search(ls.text("a dog on the grass", min_score=0.0), limit=len(paths))
        assert len(said.hits) == len(paths), said.total
        known = library.search(ls.concept("puppy", at_least=0.0))
        assert all(0.0 <= hit.score <= 1.0 for hit in known.hits)
    return len(paths), right


def row_of(model: str, precision: str) -> dict[str, Any]:
    """One row of the table. What fails raises."""
    from localsearch.pack.load import load_pack
    from localsearch.packs import calibrate_pack, verify_pack
    from localsearch.packs.calibrate import demo_photos

    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="architecture-") as work:
        folder = Path(work)
        made = exported(model, folder / "packs", precision)
        verify_pack(made.folder)
        fitted = calibrate_pack(made.folder, demo_photos())
        info = verify_pack(made.folder)
        assert (
            fitted.version == info.version == 2 and not load_pack(made.folder).manifest.provisional
        )
        count, right = used(made.folder, folder)
        pack = load_pack(made.folder)
        alike = pack.golden.alike
        sizes = [(made.folder / name).stat().st_size for name in ("image.onnx", "text.onnx")]
    return {
        "model": model,
        "size": pack.image.size,
        "dimensions": pack.dimensions,
        "megabytes": " + ".join(f"{size / 1e6:.0f}" for size in sizes),
        "image": f"{made.cosines[0]:.6f}",
        "text": f"{made.cosines[1]:.6f}",
        "alike": f"{alike:.4f}",
        "apart": f"{made.apart:.0e}",
        "themselves": f"{right} of {count}",
        "life": "ok",
        "seconds": f"{time.monotonic() - begun:.0f}",
    }


def _line(cells: Mapping[str, Any]) -> str:
    return "| " + " | ".join(str(cells.get(key, "")) for key in _COLUMNS) + " |"


def main() -> int:
    """Print the table, a row as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.architectures", description=__doc__)
    parser.add_argument("models", nargs="*", default=[*IN_CI, *OTHERS])
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if absent := missing():
        print(f'skipped: {absent} not installed (pip install "localsearch[export,siglip]")')
        return 0
    if options.one:
        print(json.dumps(row_of(options.models[0], options.precision)))
        return 0
    print(_line(_COLUMNS), _line(dict.fromkeys(_COLUMNS, "---")), sep="\n", flush=True)
    failed = False
    for model in options.models:
        command = [sys.executable, "-m", "benchmarks.architectures", "--one", model]
        done = subprocess.run(
            [*command, "--precision", options.precision], capture_output=True, text=True
        )
        if done.returncode:
            failed, told = True, (done.stderr.strip().splitlines() or [""])[-1]
            print(_line({"model": model, "life": told[:200]}), flush=True)
        else:
            print(_line(json.loads(done.stdout.strip().splitlines()[-1])), flush=True)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
