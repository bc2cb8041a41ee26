"""Python programs as the old documentation shows them: by two real clients, and by the facade."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.clients.installed import python_with
from tests.clients.served import SAMPLES, Served

HERE = Path(__file__).parent
FACADE = "localsearch.rest"


def run(python: Path, served: Served, *module: str, **environment: str) -> None:
    """All programs, in the interpreter of a client; a failure shows what each of them said."""
    command = [str(python), str(HERE / "run_programs.py"), str(HERE / "python_programs"), *module]
    done = subprocess.run(
        command,
        cwd=served.folder,
        env=served.environment(**environment),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_python_2_2(served: Served) -> None:
    run(python_with("2.2.3"), served, CLARIFAI_API_BASE=served.url)


def test_python_2_6(served: Served) -> None:
    pins = ("protobuf==3.19.6", "googleapis-common-protos==1.56.4")  # later ones break it
    run(python_with("2.6.2", *pins), served, CLARIFAI_API_BASE=served.url)


def test_the_facade_over_http(served: Served) -> None:
    run(Path(sys.executable), served, FACADE, CLARIFAI_API_BASE=served.url)


def test_the_facade_in_process(served: Served) -> None:
    mapped = f"{SAMPLES}={served.mirror}"
    library = {"LOCALSEARCH_LIBRARY": str(served.store), "LOCALSEARCH_URL_MAP": mapped}
    run(Path(sys.executable), served, FACADE, **library)
