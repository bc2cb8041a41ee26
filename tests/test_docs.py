"""The README's examples are run as they stand there; every command is named in it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
DEMO = REPOSITORY / "localsearch" / "_demo" / "photos"

pytestmark = pytest.mark.skipif(
    not (REPOSITORY / "weights" / "general" / "pack.toml").is_file(),
    reason="the built-in pack is not in this checkout",
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def command_lines() -> list[str]:
    """The README's own commands, without comments; set-up and pipes into other programs apart."""
    lines = [line.split("   #")[0].strip() for block in blocks("") for line in block.splitlines()]
    return [line for line in lines if line.startswith("localsearch ")]


def user_home(top: Path) -> dict[str, str]:
    """A home folder with Pictures, a card, and a program folder where `localsearch` is found."""
    (top / "Pictures").mkdir(parents=True)
    for photo in DEMO.iterdir():
        shutil.copy(photo, top / "Pictures")
    shutil.copy(DEMO / "cat.jpg", top / "Pictures" / "holiday.jpg")
    shutil.copy(DEMO / "cat.jpg", top / "cat.jpg")
    shutil.copy(DEMO / "dog.jpg", top / "query.jpg")
    for folder in ("card", "mnt"):
        (top / folder).mkdir()
        shutil.copy(DEMO / "coffee.jpg", top / folder)
    return {**os.environ, "HOME": str(top), "USERPROFILE": str(top), "BROWSER": "true"}


def run(line: str, home: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    line = line.split(" | ")[0]
    line = line.replace("/media/card", str(home / "card")).replace("/mnt/card", str(home / "mnt"))
    words = [
        str(home / word[2:]) if word.startswith("~/") else word for word in shlex.split(line)[1:]
    ]
    return subprocess.run(
        [sys.executable, "-m", "localsearch", *words],
        cwd=home / "Pictures",
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_every_command_of_the_readme_works(tmp_path: Path) -> None:
    home = tmp_path / "home"
    environment = user_home(home)
    lines = command_lines()
    assert len(lines) >= 16
    for line in lines:
        if "COMMAND" in line:
            continue
        done = run(line, home, environment)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        if line == "localsearch search dog":
            assert done.stdout.split()[1].endswith("dog.jpg"), done.stdout


def test_the_python_example_works(tmp_path: Path) -> None:
    environment = user_home(tmp_path / "home")
    (example,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=tmp_path / "home",
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert "dog.jpg" in done.stdout and "ConceptValue" in done.stdout


def test_every_query_of_the_readme_parses_and_is_answered(tmp_path: Path) -> None:
    import localsearch as ls
    from localsearch.search.clauses import CLAUSES
    from localsearch.search.terms import leaves_of

    table = README.partition("## What can be asked")[2].partition("\n## ")[0]
    lines = [line.split("|")[1:4] for line in table.splitlines() if line.startswith("| ")][1:]
    shutil.copytree(DEMO, tmp_path / "photos")
    shutil.copy(DEMO / "dog.jpg", tmp_path / "query.jpg")
    asked: list[ls.Term] = []
    with pytest.MonkeyPatch.context() as patch, ls.open(tmp_path / "photos") as library:
        patch.chdir(tmp_path)
        library.sync()
        library.add(DEMO / "cat.jpg", id="my-cat")
        vocabulary = library._inner.pack.vocabulary
        for _, queries, python in lines:
            texts = re.findall("`([^`]+)`", queries)
            asked += [ls.parse(text, vocabulary) for text in texts]
            (code,) = re.findall("`([^`]+)`", python)
            asked.append(eval(code, {"ls": ls}))
        for term in asked:
            assert ls.parse(str(term)) == term
            try:
                assert library.search(term, limit=1).total >= 0
            except ls.QueryNoText:
                assert "running through snow" in str(term)
    assert {type(leaf) for term in asked for leaf in leaves_of(term)} == set(CLAUSES)


def test_the_page_for_apps_works_block_by_block(tmp_path: Path) -> None:
    """Its blocks are one program, in the order of the page."""
    shutil.copytree(DEMO, tmp_path / "photos")
    (tmp_path / "app-data").mkdir()
    page = (REPOSITORY / "localsearch" / "docs" / "APPS.md").read_text(encoding="utf-8")
    found = re.findall(r"^```python\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    assert len(found) >= 8
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(found)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert "dog.jpg" in done.stdout and "called off" in done.stdout


def test_every_command_is_in_the_readme() -> None:
    from localsearch.cli.main import COMMANDS

    told = set(re.findall(r"`?localsearch ([a-z]+)", README)) | set(
        re.findall(r"`([a-z]+)`", README)
    )
    assert set(COMMANDS) <= told, set(COMMANDS) - told


def test_links_lead_somewhere() -> None:
    docs = REPOSITORY / "localsearch" / "docs"
    for page in (*REPOSITORY.glob("*.md"), *docs.glob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_two_commands_open_the_readme() -> None:
    first, second = blocks("")[0].splitlines()
    assert first.startswith("pip install . && localsearch demo ")
    assert second.startswith('pip install -e ".[dev]" && pytest ')
    assert README.index("```") < README.index("## Your own photos")


def test_every_error_code_and_exit_code_is_documented() -> None:
    import localsearch.errors as errors
    from localsearch.cli.main import EXIT_CODES

    page = (REPOSITORY / "localsearch" / "docs" / "COMMANDS.md").read_text(encoding="utf-8")
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.LocalsearchError)
    ]
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert f"| `{kind.code}` | {kind.__name__} |" in page
    for code in set(EXIT_CODES.values()):
        assert f"| {code} |" in page
