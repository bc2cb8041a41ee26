"""Fixtures for all tests: nothing outside the test's own folders is read or written."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_user_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The program's cache and data folders lie in a temporary place while tests run."""
    home = tmp_path_factory.mktemp("user")
    patch = pytest.MonkeyPatch()
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA", "APPDATA"):
        patch.setenv(name, str(home / name.lower()))
    for name in ("LOCALSEARCH_LIBRARY", "LOCALSEARCH_PROVIDER"):
        patch.delenv(name, raising=False)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _interrupts_arrive() -> None:
    """A shell starts what runs in the background with interrupts ignored, and children inherit."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _verified(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test, every store it opened is whole, unless the test damages it on purpose."""
    from tests.make_library import OPENED

    OPENED.clear()
    yield
    stores = [store for store in OPENED if (store / "catalog.sqlite").exists()]
    if stores and request.node.get_closest_marker("damages") is None:
        import localsearch as ls

        for store in stores:
            with ls.open(store=store) as library:
                assert [one for one in library.verify() if one.code != "leftover"] == []


@pytest.fixture(scope="session")
def tiny_pack() -> str:
    """A small real pack: a seeded ONNX network, a dozen classes, ancestors and probes."""
    from tests.tiny_pack import tiny_pack_folder

    return str(tiny_pack_folder())


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """An empty photo folder."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a command under --json and give the document; a code that differs fails."""
    from localsearch.cli import main

    def run_json(*args: str, code: int = 0) -> Any:
        capsys.readouterr()
        ended = main.run([*args, "--json"])
        told = capsys.readouterr()
        assert ended == code, told
        body = json.loads(told.out)
        assert next(iter(body)) == "version"
        assert body["version"] == 1
        return body

    return run_json


@pytest.fixture
def no_packs_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's cache and data folders are new ones of this test."""
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: tmp_path / "data")
