"""A CLIP pack against rclip: the same ONNX files, the same photos, in turn in one run.

    python -m benchmarks.against_rclip [--rclip PYTHON] [--open-clip PYTHON] [--pack FOLDER]

`--rclip`: a Python that has rclip, in an environment of its own; `--open-clip`: one that has the
extra `export`. rclip's code and loader stay as they are, offline. Weights are random: what is found
is worth nothing, what it costs is the same.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import alone, pictures
from benchmarks.children import child
from benchmarks.figures import Figure, Result, Target, spread
from benchmarks.rclip_children import Ours, Rclip, Synced
from benchmarks.rclip_pack import PACK, VOCABULARY
from benchmarks.timing import Run, in_turn, ratios
from benchmarks.workspace import LARGE, QUICK, Workspace

VERSION = "3.3.0"  # what the loader's folder and names were read from
TEXT = "a red house by a lake"
LARGE_SYNC, SMALL_SYNC = Target(least=2.0), Target(least=1.1)
QUERY, MEMORY = Target(most=0.6), Target(most=1.0)
_SMALL = (640, 480)


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much is measured."""

    large: int
    small: int
    rounds: int
    queries: int


class Comparison:
    """Both programs with the photos and the pack that they share."""

    def __init__(self, work: Workspace, rclip: str, pack: Path, amounts: Amounts) -> None:
        self._work, self._amounts = work, amounts
        self._rclip, self._ours = Rclip(rclip, pack), Ours(pack)

    def run(self) -> Result:
        """Large photos, small ones, a text query, memory."""
        amounts = self._amounts
        large = self._photos("large", amounts.large, LARGE)
        small = self._photos("small", amounts.small, _SMALL)
        figures = [
            *self._syncs("12 megapixels", large, LARGE_SYNC),
            *self._syncs("640 x 480", small, SMALL_SYNC),
            *self._queries(small),
        ]
        note = f"rclip {VERSION}; {amounts.large} photos of 12 megapixels, {amounts.small} small"
        return Result(tuple(figures), (note, "a sync: open an empty library, load, store all"))

    def _photos(self, name: str, count: int, size: tuple[int, int]) -> Path:
        folder = self._work.folder / name
        for seed in range(count):
            pictures.save(pictures.photo_like(seed, size), folder / f"photo-{seed:03d}.jpg")
        return folder

    def _syncs(self, what: str, photos: Path, target: Target) -> list[Figure]:
        theirs: list[Synced] = []
        ours: list[Synced] = []

        def one(side: Rclip | Ours, kept: list[Synced]) -> Run:
            place = self._work.fresh("synced")
            kept.append(side.sync(photos, place))
            self._work.drop(place)
            return kept[-1].run

        works = {"rclip": lambda: one(self._rclip, theirs), "ours": lambda: one(self._ours, ours)}
        runs = in_turn(works, self._amounts.rounds)
        theirs, ours = (kept[-self._amounts.rounds :] for kept in (theirs, ours))
        pairs = list(zip(theirs, ours, strict=True))
        count = len(list(photos.iterdir()))
        title = f"{what}: rclip over ours"
        return [
            spread(f"{title}, sync", ratios(runs["rclip"], runs["ours"]), "x", target),
            spread(f"{title}, CPU of it", [a.run.cpu / b.run.cpu for a, b in pairs], "x"),
            spread(f"{title}, whole process", [a.process / b.process for a, b in pairs], "x"),
            *_rates(what, "rclip", theirs, count),
            *_rates(what, "ours", ours, count),
            spread(
                f"{what}: our memory over rclip's", [b.peak / a.peak for a, b in pairs], "x", MEMORY
            ),
        ]

    def _queries(self, photos: Path) -> list[Figure]:
        data, store = self._work.fresh("rclip"), self._work.fresh("store")
        self._rclip.sync(photos, data)
        self._ours.sync(photos, store)
        works = {
            "rclip": lambda: self._rclip.ask(TEXT, photos, data),
            "ours": lambda: self._ours.ask(TEXT, photos, store),
        }
        runs = in_turn(works, self._amounts.queries)
        peaks = (
            self._rclip.peak_of_asking(TEXT, photos, data),
            self._ours.peak_of_asking(TEXT, photos, store),
        )
        pairs = list(zip(runs["ours"], runs["rclip"], strict=True))
        figures = [
            spread("text query: ours over rclip", [a.wall / b.wall for a, b in pairs], "x", QUERY),
            spread("text query: ours over rclip, CPU", [a.cpu / b.cpu for a, b in pairs], "x"),
        ]
        for name, peak in zip(("rclip", "ours"), peaks, strict=True):
            cpu = sum(run.cpu for run in runs[name]) / len(runs[name])
            note = f"CPU {cpu * 1e3:.0f} ms, memory {peak / 2**20:.0f} MiB"
            walls = [run.wall * 1e3 for run in runs[name]]
            figures.append(spread(f"text query: {name}", walls, "ms", note=note))
        ratio = peaks[1] / peaks[0]
        return [*figures, Figure("text query: our memory over rclip's", ratio, "x", target=MEMORY)]


def _rates(what: str, side: str, runs: Sequence[Synced], count: int) -> list[Figure]:
    rates = [count / one.run.wall for one in runs]
    cpu = min(one.run.cpu for one in runs) / count
    peak = max(one.peak for one in runs) / 2**20
    note = f"CPU {cpu * 1e3:.0f} ms a photo, memory {peak:.0f} MiB"
    return [spread(f"{what}: {side}", rates, "photos/s", note=note)]


def missing(rclip: str | None, open_clip: str, pack: Path | None) -> str:
    """Why nothing can be measured, or nothing."""
    if rclip is None:
        return f"no Python with rclip: pip install rclip=={VERSION} elsewhere, then --rclip PYTHON"
    ask = "import importlib.metadata as m; print(m.version('rclip'))"
    found = _said(rclip, ask)
    if found != VERSION:
        return f"{rclip} has rclip {found or 'not at all'}; the comparison knows {VERSION}"
    if pack is None and not _said(open_clip, "import open_clip, onnx; print(1)"):
        return f"{open_clip} has no open_clip: install the extra `export`, or give --open-clip"
    return ""


def rclip_on_path() -> str | None:
    """The Python beside the `rclip` that the shell would run."""
    there = shutil.which("rclip")
    if there is None:
        return None
    python = Path(there).resolve().with_name("python")
    return str(python) if python.exists() else None


def _said(python: str, code: str) -> str:
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def main(args: Sequence[str]) -> int:
    """Measure and tell; 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against_rclip")
    parser.add_argument("--rclip", metavar="PYTHON", default=rclip_on_path())
    parser.add_argument("--open-clip", metavar="PYTHON", default=sys.executable)
    parser.add_argument("--pack", type=Path, metavar="FOLDER", help="keep the exported pack here")
    # So many that what is paid once, a second on both sides, says little about a photo.
    parser.add_argument("--large", type=int, default=160)
    parser.add_argument("--small", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--queries", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(args)
    return alone.tell("against_rclip", args, lambda: _measured(options), options.json)


def _measured(options: argparse.Namespace) -> Result:
    kept = options.pack if options.pack and (options.pack / VOCABULARY).is_file() else None
    if skipped := missing(options.rclip, options.open_clip, kept):
        return Result(skipped=skipped)
    amounts = Amounts(options.large, options.small, options.rounds, options.queries)
    with Workspace(None, QUICK, lambda text: print(text, file=sys.stderr)) as work:
        out = (options.pack or work.folder / "packs").resolve()
        if not (out / VOCABULARY).is_file():
            child([options.open_clip, "-m", "benchmarks.rclip_pack", str(out)])
        return Comparison(work, options.rclip, out / PACK, amounts).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
