"""The public names: what is listed is what is there, documented, and costs nothing to import."""

from __future__ import annotations

import inspect
import subprocess
import sys

import localsearch


def test_the_list_is_what_is_visible() -> None:
    assert localsearch.__all__ == sorted(localsearch.__all__)
    assert set(localsearch._ROOM_OF) | {"__version__"} == set(localsearch.__all__)
    for name in localsearch.__all__:
        assert getattr(localsearch, name) is not None


def test_public_names_are_documented() -> None:
    for name in localsearch.__all__:
        value = getattr(localsearch, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert (inspect.getdoc(value) or "").strip(), f"{name} has no docstring"
            assert not (value.__doc__ or "").startswith(f"{name}("), f"{name}: generated docstring"


def test_methods_of_the_library_are_documented_and_typed() -> None:
    for name, method in inspect.getmembers(localsearch.Library, inspect.isfunction):
        if not name.startswith("_"):
            assert inspect.getdoc(method), f"Library.{name} has no docstring"
            assert "return" in method.__annotations__, f"Library.{name} is not typed"


def test_unknown_names_are_said_plainly() -> None:
    try:
        _ = localsearch.nonsense
    except AttributeError as error:
        assert "nonsense" in str(error)
    else:
        raise AssertionError("an unknown name was found")


def test_import_is_light() -> None:
    code = (
        "import sys, localsearch; "
        "print([m for m in ('numpy', 'sqlite3', 'PIL', 'onnxruntime', 'rich', 'typer')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
