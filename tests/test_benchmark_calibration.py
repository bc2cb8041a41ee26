"""The benchmark of calibration: its measures, and a run over labelled photos of the demo."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks import calibration, plots
from benchmarks.figures import as_json, as_markdown
from benchmarks.measures import calibration_error, reliability
from benchmarks.synthetic_seeds import DEMO
from benchmarks.table import BENCHMARKS, SLOW
from benchmarks.workspace import Sizes, Workspace

SIZES = Sizes(4, 2, 1, 10, 1, 2, 1, (700,))


def test_what_is_said_and_right_is_told_by_bins() -> None:
    pairs = [(0.1, False), (0.11, False), (0.12, True), (0.9, True), (1.0, True)]
    found = reliability(pairs)
    assert [count for _, _, count in found] == [3, 1, 1]
    assert found[0][:2] == pytest.approx((0.11, 1 / 3))
    expected = (3 * abs(0.11 - 1 / 3) + 0.1) / 5
    assert calibration_error(pairs) == pytest.approx(expected)
    assert np.isnan(calibration_error([]))


def test_truthful_probabilities_have_no_error() -> None:
    rng = np.random.default_rng(5)
    values = rng.random(20_000)
    pairs = list(zip(values.tolist(), (rng.random(20_000) < values).tolist(), strict=True))
    assert calibration_error(pairs) < 0.02
    bold = [(min(value * 1.5, 1.0), truth) for value, truth in pairs]
    assert calibration_error(bold) > 0.1


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Photos of the demo with labels in the form of COCO's."""
    folder = tmp_path / "captions/coco"
    shutil.copytree(DEMO, folder / "images")
    names = sorted(file.name for file in (folder / "images").iterdir())
    (tmp_path / "photos").mkdir()
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as lines:
        rows = csv.writer(lines)
        rows.writerow(("file", "labels"))
        rows.writerows((name, "person:1" if "people" in name else "dog:2") for name in names)
    return tmp_path


def test_a_run_gives_errors_and_a_diagram(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("weights.probe_labels", exc_type=ImportError)
    with Workspace(data, SIZES, lambda _: None) as work:
        result = calibration.run(work)
    named = {figure.name: figure for figure in result.figures}
    assert 0 <= named["calibration error, all"].value <= 1
    assert named["calibration error, coco"].value == named["calibration error, all"].value
    stored = {"calibration": as_json(result, {"command": "x", "load": "1", "seconds": 1.0})}
    points = plots.reliability_of(stored["calibration"]["figures"])
    assert points and all(0 <= right <= 1 for _, right in points)
    assert "is right" in as_markdown(stored)
    lines = plots.draw(stored, tmp_path)
    assert "bench" in lines[0] or (tmp_path / plots.RELIABILITY).is_file()


def test_without_labelled_photos_it_says_so() -> None:
    with Workspace(None, SIZES, lambda _: None) as work:
        assert calibration.run(work).skipped
    assert BENCHMARKS["calibration"] is calibration.run and "calibration" in SLOW
