"""A pack of rclip's architecture whose ONNX files rclip can read as they are.

    PYTHON -m benchmarks.rclip_pack FOLDER      (a Python with the extra `export`)

Exported by our own exporter from seeded random weights, as no weights are needed to take the time;
then the inputs of both networks get the name that rclip's code calls them by.
"""

from __future__ import annotations

import shutil
import sys
import tomllib
from pathlib import Path

MODEL = "ViT-B-32-256"  # that of rclip 3
PACK = "clip-vit-b32-256"
INPUT = "input"
VOCABULARY = "vocabulary.gz"
_SEED = 7
_WORDS = ("dog", "house", "tree", "lake", "street", "flower")


def make(out: Path) -> Path:
    """Export into `out`, rename, lay open_clip's own vocabulary beside; gives the pack's folder."""
    from localsearch.packs.export import export_pack
    from localsearch.packs.export.options import ExportOptions

    words = out / "words.txt"
    words.parent.mkdir(parents=True, exist_ok=True)
    words.write_text("\n".join(_WORDS) + "\n", encoding="utf-8")
    options = ExportOptions(out=out, name=PACK, random_seed=_SEED, vocabulary=words)
    folder = export_pack(MODEL, options).folder
    rename_inputs(folder)
    _copy_vocabulary(out / VOCABULARY)
    return folder


def rename_inputs(folder: Path) -> None:
    """Call the input of both networks `INPUT`, in the files and in the manifest."""
    import onnx

    from localsearch.packs.calibrate import write_manifest

    raw = tomllib.loads((folder / "pack.toml").read_text(encoding="utf-8"))
    for section in ("image", "text"):
        path = folder / raw[section]["network"]
        network = onnx.load(str(path))
        (given,) = network.graph.input
        for node in network.graph.node:
            node.input[:] = [INPUT if name == given.name else name for name in node.input]
        given.name = raw[section]["input"] = INPUT
        onnx.save(network, str(path))
        del raw["files"][path.name]  # its digest is another now
    write_manifest(folder, raw)


def _copy_vocabulary(to: Path) -> None:
    import open_clip

    (file,) = Path(open_clip.__file__).parent.glob("bpe_simple_vocab*.gz")
    shutil.copyfile(file, to)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
