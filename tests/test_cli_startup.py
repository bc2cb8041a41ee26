"""What a command loads: a pipe never pays for what only a terminal or a model needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import localsearch as ls
from tests.make_library import write_photo

HEAVY = {"rich", "onnxruntime", "PIL", "pi_heif", "hnswlib", "rapidfuzz"}
# What a search for concepts does without: each takes it some milliseconds to load.
SPARED = {"logging", "tomllib", "csv", "base64", "numpy.typing", "hashlib", "localsearch.cli.hints"}
SPARED |= {f"localsearch.sources.{name}" for name in ("forms", "limits", "placeholders")}
SPARED |= {
    f"localsearch.search.{name}" for name in ("bounded", "by_graph", "visual", "visual_terms")
}
SPARED |= {"localsearch.search.grammar.sums", "localsearch.matrix.scan", "localsearch.writer_lock"}
SPARED |= {"localsearch.library.originals", "localsearch.catalog.metadata_terms"}
OWN_MODULES = 125  # that a search for one concept loads; each takes half a millisecond
# A checkout that is not installed is found by child processes too.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(ls.__file__).parents[1])}
PROBE = """
import json, sys
from localsearch.cli.main import run
code = run(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def numpys_own() -> set[str]:
    """What numpy loads by itself: older releases more."""
    code = "import json, sys, numpy; print(json.dumps(sorted(sys.modules)))"
    return set(json.loads(subprocess.check_output([sys.executable, "-c", code])))


def loaded(*args: str, cwd: Path | None = None) -> tuple[set[str], str]:
    """The modules that a command in a pipe has loaded at its end, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *args],
        capture_output=True,
        check=True,
        cwd=cwd,
        env=ENVIRONMENT,
        encoding="utf-8",
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0
    return set(modules), done.stdout


@pytest.fixture(scope="module")
def library(tiny_pack: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("startup")
    Image.new("RGB", (64, 64), (210, 40, 40)).save(folder / "red.png")
    with ls.init(folder, pack=tiny_pack) as library:
        library.sync()
    return folder


@pytest.mark.parametrize("args", [("--help",), ("--version",), ("search", "--help"), ()])
def test_help_loads_nothing_heavy(args: tuple[str, ...]) -> None:
    modules, out = loaded(*args)
    assert not modules & (HEAVY | {"numpy", "sqlite3"})
    assert out


@pytest.mark.parametrize(
    "args", [("status",), ("search", "red"), ("search", "red", "--json"), ("failures", "--json")]
)
def test_cheap_commands_load_no_model_and_no_rich(library: Path, args: tuple[str, ...]) -> None:
    modules, _ = loaded(*args, cwd=library)
    assert not modules & HEAVY


def test_a_search_for_concepts_loads_what_it_needs(library: Path) -> None:
    loaded("search", "red", cwd=library)  # what the pack says is kept from now on
    modules, _ = loaded("search", "red", cwd=library)
    assert not modules & SPARED - numpys_own()
    own = [name for name in modules if name.partition(".")[0] == "localsearch"]
    assert len(own) <= OWN_MODULES, sorted(own)


def test_a_visual_search_loads_the_model_but_no_rich(library: Path) -> None:
    write_photo(library / "aside" / "other.png", 12)  # a picture that no sync has seen
    modules, out = loaded("search", "--like", str(Path("aside") / "other.png"), cwd=library)
    assert "onnxruntime" in modules
    assert "rich" not in modules
    assert "red.png" in out


def test_likeness_to_a_photo_of_the_library_loads_no_model(library: Path) -> None:
    modules, out = loaded("search", "--like", "red.png", cwd=library)
    assert "red.png" in out
    assert "onnxruntime" not in modules


def test_every_command_has_help_and_json() -> None:
    from localsearch.cli.main import COMMANDS

    for name in COMMANDS:
        _, out = loaded(name, "--help")
        assert out.startswith(f"Usage: localsearch {name}")
        assert "--json" in out


def test_the_module_is_a_program(library: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "localsearch", "search", "nonsense!"],
        capture_output=True,
        cwd=library,
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(("args", "code"), [(["--version"], 0), (["search", "nonsense!"], 2)])
def test_the_program_ends_when_all_is_done(library: Path, args: list[str], code: int) -> None:
    script = (
        "import atexit, sys, threading, time\n"
        "from localsearch.__main__ import main\n"
        "late = lambda: (time.sleep(0.3), atexit.register(print, 'late', end=''))\n"
        "threading.Thread(target=late).start()\n"
        f"sys.argv = ['localsearch', *{args!r}]\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        cwd=library,
        env=ENVIRONMENT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code
    assert done.stdout.endswith("late"), done.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a folder that a process stands in")
def test_a_deleted_current_folder_is_a_clear_error(tmp_path: Path) -> None:
    code = "import os, shutil; shutil.rmtree(os.getcwd()); " + PROBE.strip().partition("\n")[0]
    script = f"{code}\nfrom localsearch.cli.main import run\nsys.exit(run(['status']))"
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        cwd=gone,
        env=ENVIRONMENT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: the current folder does not exist any more")
