"""A copy of the pack without parts that may be left out, for those whose terms are strict.

    python -m weights.without probes text --out folder

Without `text` the same concepts and the same likeness remain. Without `probes` go the concepts that
only probes know; classes and ancestors that a probe refined are read from their classes again.
"""

from __future__ import annotations

import argparse
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from weights import build_concepts, calibrate, manifest

PACK = Path(__file__).parent / "general"
HEAD = ("format", "name", "version", "summary", "licence")


def copy(pack: Path, out: Path, parts: set[str]) -> None:
    """Write `out` (new or empty) without some parts. Raises ValueError on one that must stay."""
    read: dict[str, Any] = tomllib.loads((pack / "pack.toml").read_text("utf-8"))
    optional = {part["name"]: part["files"] for part in read["parts"] if not part["required"]}
    if not parts <= set(optional):
        raise ValueError(f"only these may be left out: {', '.join(sorted(optional))}")
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise ValueError(f"{out} is not empty")
    left = {name for part in parts for name in optional[part]}
    for name in (*read["files"], "MODEL_CARD.md"):
        if name not in left:
            shutil.copyfile(pack / name, out / name)
    if "probes" in parts:
        leave_probes(out / read["concepts"]["table"], out / read["concepts"]["calibration"])
    if "text" in parts:
        del read["scores"]["text"]
    kept = {name: read[name] for name in HEAD}
    names = ("image", "concepts", "probes", "scores", "text", "golden")
    sections = {name: read[name] for name in names if name in read and name not in parts}
    manifest.write(out, kept, sections)


def leave_probes(table: Path, calibration: Path) -> None:
    """Take every trace of probes out of the concept table and its calibration."""
    rows = [line.split("\t") for line in table.read_text("utf-8").splitlines()[1:]]
    kept = [at for at, row in enumerate(rows) if not row[4].startswith("probe:")]
    readings = np.load(calibration)
    for at in kept:
        own, refined, _ = rows[at][4].partition("+")
        if refined:
            rows[at][4], readings[at] = own, (1, 0, calibrate.FLOOR)
    lines = [build_concepts.HEADER, *("\t".join(rows[at]) for at in kept)]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    np.save(calibration, readings[kept])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="+", help="probes, text")
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    options = parser.parse_args()
    copy(PACK, options.out, set(options.parts))


if __name__ == "__main__":
    main()
