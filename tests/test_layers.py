"""The stack of rooms, held by reading our own imports.

Higher rooms may import lower ones; rooms on one line are strangers to each other; inside a folder
files import each other without a ring. Some things are done by one room only.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[1] / "localsearch"

# From the ground up. Rooms without a file yet have their place here already.
STACK: tuple[tuple[str, ...], ...] = (
    ("deferred", "log"),
    ("errors", "records"),
    ("scores", "rows", "durable", "writer_lock", "machine", "net", "sheet"),
    ("catalog", "postings", "matrix", "graph", "pack", "sources"),
    ("later",),
    ("encoders", "segments"),
    ("pipeline",),
    ("sync", "publish", "reindex", "search", "teach", "duplicates", "verify", "exchange"),
    ("library", "packs", "doctor"),
    ("__init__",),
    ("clarifai", "web", "watch"),
    ("server", "rest"),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(STACK) for room in rooms}

# The edges reach the library through the counter; these few rooms they may name besides.
COUNTER_ONLY = {
    "cli": {
        "__init__",
        "deferred",
        "errors",
        "records",
        "packs",
        "doctor",
        "sheet",
        "cli",
        "server",
    }
}

# Who alone may import a package (None: nobody in the house).
ONLY_IMPORTS: dict[str, tuple[str, ...]] = {
    "hnswlib": ("graph/hnsw.py",),
    "onnxruntime": ("encoders/session.py",),
    "ftfy": ("encoders/tokens.py",),
    "regex": ("encoders/tokens.py",),
    "sentencepiece": ("encoders/tokens.py",),
    "numkong": ("matrix/scan.py",),
    "simsimd": ("matrix/scan.py",),
    "pi_heif": ("sources/",),
    "PIL": ("sources/", "encoders/prepare.py", "library/"),  # library: the type of open_image
    "filelock": ("writer_lock.py",),
    "fcntl": ("durable/files.py", "writer_lock.py"),
    "mmap": ("durable/mapping.py",),
    "msvcrt": ("writer_lock.py",),
    "torch": ("packs/export/",),
    "open_clip": ("packs/export/",),
    "onnx": ("packs/export/",),
    "huggingface_hub": ("packs/export/",),
    "typer": ("cli/",),
    "click": ("cli/",),
    "rich": ("cli/",),
    "h11": ("server/",),
    "watchfiles": ("watch.py",),
    "socket": ("net/",),
    "urllib.request": ("net/",),
    "http.client": ("net/", "rest/http.py"),  # rest: the one server that a program named
    "requests": (),
    "httpx": (),
}

# Who alone may call something, as it is written in the source.
ONLY_CALLS: dict[str, tuple[str, ...]] = {
    r"\bos\.(fsync|replace|rename)\(": ("durable/files.py",),
    r"\bsqlite3\.connect\(": ("catalog/connection.py",),
    r"\bImage\.open\(": ("sources/",),
    r"\bCREATE (TABLE|INDEX|UNIQUE|TRIGGER)": ("catalog/tables.py",),
    r"\.execute(many|script)?\(": ("catalog/",),
    r"(?<![\w.])print\(": ("cli/",),
    r"\bsys\.exit\(": ("cli/", "__main__.py"),
    r"\brmtree\(": ("publish/sweep.py", "packs/own.py", "cli/cmd_demo.py"),
}


def modules() -> list[Path]:
    # What PyInstaller alone imports is no room.
    return sorted(p for p in HOUSE.rglob("*.py") if not {"_packs", "__pyinstaller"} & {*p.parts})


def place(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def room_of(path: Path) -> str:
    first = path.relative_to(HOUSE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Every dotted name that a file imports, also inside functions and for types."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(path)}: relative import"
            module = node.module or ""
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> set[str]:
    found: set[str] = set()
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "localsearch":
            continue
        if len(parts) > 1 and parts[1] in LEVEL:
            found.add(parts[1])
        elif len(parts) == 1 or parts[1] not in ("_demo", "_packs"):
            found.add("__init__")
    if any(n == "localsearch" for n in imported(path)):
        plain = _plain_imports(path)
        if not plain and found - {"__init__"}:
            found.discard("__init__")
    return found


def _plain_imports(path: Path) -> bool:
    """Whether a file takes names of the counter itself, not only `from localsearch import room`."""
    return any(
        (isinstance(node, ast.Import) and any(a.name == "localsearch" for a in node.names))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "localsearch"
            and any(alias.name not in LEVEL for alias in node.names)
        )
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


@pytest.mark.parametrize("path", modules(), ids=place)
def test_imports_go_down(path: Path) -> None:
    room = room_of(path)
    assert room in LEVEL or room.startswith("_demo"), f"{room} has no place in the stack"
    for other in rooms_imported(path) - {room}:
        assert LEVEL[other] < LEVEL[room], f"{place(path)} ({room}) imports {other}"
    if room in COUNTER_ONLY:
        assert rooms_imported(path) <= COUNTER_ONLY[room], f"{place(path)} goes past the counter"


def test_no_ring_inside_a_room() -> None:
    edges: dict[str, set[str]] = {}
    names = {"localsearch." + place(p).removesuffix(".py").replace("/", "."): p for p in modules()}
    for name, path in names.items():
        room = name.split(".")[1]
        targets = set(_modules_imported(path, names)) - {name}
        edges[name] = {t for t in targets if t.split(".")[1] == room}
    for start in edges:
        assert not _reaches(start, start, edges), f"a ring of imports runs through {start}"


def _modules_imported(path: Path, names: dict[str, Path]) -> Iterator[str]:
    """Our own files that a file takes something from; a package only for what its head defines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner, head = f"{node.module}.{alias.name}", f"{node.module}.__init__"
                package = f"{inner}.__init__"
                for target in (inner, package, node.module, head):
                    if target in names:
                        yield target
                        break


def _reaches(start: str, goal: str, edges: dict[str, set[str]]) -> bool:
    todo, seen = list(edges[start]), set()
    while todo:
        name = todo.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            todo.extend(edges.get(name, ()))
    return False


@pytest.mark.parametrize("package", sorted(ONLY_IMPORTS))
def test_only_one_room_imports(package: str) -> None:
    allowed = ONLY_IMPORTS[package]
    for path in modules():
        names = {n for n in imported(path) if n == package or n.startswith(package + ".")}
        if names:
            assert place(path).startswith(allowed), f"{place(path)} imports {package}"


@pytest.mark.parametrize("call", sorted(ONLY_CALLS))
def test_only_one_room_calls(call: str) -> None:
    for path in modules():
        if not place(path).startswith(ONLY_CALLS[call]):
            code = _without_strings(path) if "CREATE" not in call else path.read_text("utf-8")
            assert not re.search(call, code), f"{place(path)}: {call}"


def _without_strings(path: Path) -> str:
    return ast.unparse(_Blank().visit(ast.parse(path.read_text(encoding="utf-8"))))


class _Blank(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Constant:
        return ast.Constant("")


@pytest.mark.parametrize("path", modules(), ids=place)
def test_files_and_functions_are_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400, f"{place(path)} is longer than 400 lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 60, f"{place(path)}:{node.name} has {length} lines"


@pytest.mark.parametrize("path", modules(), ids=place)
def test_every_room_tells_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{place(path)}: no head"


def test_no_drawer_for_anything() -> None:
    drawers = {"utils", "util", "helpers", "common", "misc", "base", "manager"}
    assert not [p for p in modules() if p.stem in drawers]


def test_the_walker_sees_a_wrong_import(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f():\n    from localsearch.library import open\n", encoding="utf-8")
    assert rooms_imported(wrong) == {"library"}
    wrong.write_text("import localsearch as ls\n", encoding="utf-8")
    assert rooms_imported(wrong) == {"__init__"}
