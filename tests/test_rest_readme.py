"""What the README shows of programs written for Clarifai: the Python program runs as it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.test_docs import DEMO, README
from tests.test_docs import pytestmark as pytestmark  # the built-in pack is needed

SECTION = README.partition("\n## Programs written for Clarifai\n")[2].partition("\n## ")[0]


def test_the_old_program_runs_with_its_import_changed(tmp_path: Path) -> None:
    for name in ("cat.jpg", "dog.jpg"):
        shutil.copy(DEMO / name, tmp_path)
    program, *_ = re.findall(r"^```py\n(.*?)^```", SECTION, flags=re.DOTALL | re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "LOCALSEARCH_LIBRARY": str(tmp_path / "library")},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "file://" in done.stdout
