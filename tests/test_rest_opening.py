"""Which library, or which server, the old client's constructor means."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from localsearch.rest import ApiClient, ClarifaiApp, UserError
from tests.make_library import open_library
from tests.rest_app import RED, SAMPLES, mirror, png


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CLARIFAI_API_BASE", "CLARIFAI_API_KEY", "LOCALSEARCH_LIBRARY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


def store_in(folder: Path) -> Path:
    """A new library in a folder, closed again."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_library(folder) as library:
        return library.store


def test_an_open_library_stays_the_callers(photos: Path) -> None:
    with open_library(photos) as library:
        app = ClarifaiApp(api_key="YOUR_API_KEY", library=library)
        assert app.library is library
        app.inputs.create_image_from_bytes(png(RED), image_id="a")
        assert library.get("a").id == "a"


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_a_photo_folder_or_a_store(photos: Path, kind: type) -> None:
    store = store_in(photos)
    for place in (photos, store):
        app = ClarifaiApp(library=kind(place))
        assert app.library.store == store
        app.library.close()


def test_what_is_no_library_is_a_user_error() -> None:
    with pytest.raises(UserError, match="path or an open Library"):
        ClarifaiApp(library=5)  # type: ignore[arg-type]


def test_the_variable_goes_before_the_nearest(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, near = store_in(photos), store_in(tmp_path / "near")
    (tmp_path / "near" / "below").mkdir()
    monkeypatch.chdir(tmp_path / "near" / "below")
    app = ClarifaiApp(api_key="YOUR_API_KEY")
    assert app.library.store == near
    app.library.close()
    monkeypatch.setenv("LOCALSEARCH_LIBRARY", str(photos))
    app = ClarifaiApp(api_key="YOUR_API_KEY")
    assert app.library.store == named
    app.library.close()


def test_else_one_in_the_users_data_folder_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "data"))
    if sys.platform == "darwin":
        monkeypatch.setenv("HOME", str(tmp_path / "data"))
    with pytest.warns(UserWarning, match="LOCALSEARCH_LIBRARY"):
        first = ClarifaiApp(api_key="YOUR_API_KEY")
    assert first.library.store.is_relative_to(tmp_path / "data")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = ClarifaiApp(api_key="YOUR_API_KEY")
    assert second.library.store == first.library.store
    first.library.close()
    second.library.close()


def test_a_server_by_argument_and_by_variable(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ClarifaiApp("app", "secret", "http://127.0.0.1:1/any/path/", "key")
    assert (app.api.base_url, app.api.library, app.api.api_key) == (
        "http://127.0.0.1:1",
        None,
        "key",
    )
    with pytest.raises(UserError, match="talks to"):
        _ = app.library
    monkeypatch.setenv("CLARIFAI_API_BASE", "127.0.0.1:2")
    monkeypatch.setenv("CLARIFAI_API_KEY", "from-environment")
    client = ApiClient()
    assert (client.base_url, client.api_key) == ("http://127.0.0.1:2", "from-environment")
    store = store_in(photos)
    for base_url in (None, "http://127.0.0.1:1"):
        with_both = ClarifaiApp(base_url=base_url, library=photos)
        assert with_both.library.store == store
        with_both.library.close()
    with pytest.raises(UserError, match="--map"):
        ClarifaiApp(url_map={SAMPLES: photos})


def test_the_old_config_file_is_not_read(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "home" / ".clarifai" / "config"
    config.parent.mkdir(parents=True)
    config.write_text("[clarifai]\nCLARIFAI_API_BASE=http://127.0.0.1:1\nCLARIFAI_API_KEY=k\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    store_in(photos)
    monkeypatch.chdir(photos)
    app = ClarifaiApp()
    assert app.api.api_key is None
    assert app.library.store == photos / ".localsearch"
    app.library.close()


def test_mapped_urls_in_all_their_forms(photos: Path, tmp_path: Path) -> None:
    place = mirror(tmp_path, red=RED)
    with open_library(photos) as library:
        for url_map in ({SAMPLES: place}, [(SAMPLES, str(place))], ((SAMPLES, place),)):
            app = ClarifaiApp(library=library, url_map=url_map)
            added = app.inputs.create_image_from_url(f"{SAMPLES}red.png")
            assert added.url == f"{SAMPLES}red.png"
            app.inputs.delete_all()


def test_a_program_without_a_library_of_ours_costs_no_import() -> None:
    program = "import sys, localsearch; print(sorted(n for n in sys.modules if 'rest' in n))"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "localsearch.rest" not in told.stdout
    program = "import sys, localsearch.rest; print('numpy' in sys.modules, 'socket' in sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["False", "False"]


WATCHED = """
import sys
from pathlib import Path
def no_network(event, args):
    if event.startswith("socket.") and event != "socket.__new__":
        raise RuntimeError(f"the network was used: {event} {args}")
sys.addaudithook(no_network)
from localsearch.rest import ApiError, ClarifaiApp
app = ClarifaiApp(api_key="YOUR_API_KEY")
data = Path("a.png").read_bytes()
added = app.inputs.create_image_from_bytes(data, image_id="a")
assert app.inputs.search_by_image(imgbytes=data)[0].input_id == "a"
app.inputs.search_by_predicted_concepts(concept="red")
app.models.get("general-v1.3").predict_by_bytes(data)
try:
    app.inputs.create_image_from_url("https://samples.example/red.png")
except ApiError as refused:
    print(refused.response.json()["inputs"][0]["status"]["code"])
"""


def test_in_process_nothing_goes_out(photos: Path, tmp_path: Path) -> None:
    store_in(photos)
    (tmp_path / "elsewhere" / "a.png").write_bytes(png(RED))
    environment = {**os.environ, "LOCALSEARCH_LIBRARY": str(photos)}
    told = subprocess.run(
        [sys.executable, "-c", WATCHED],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (told.returncode, told.stdout.strip()) == (0, "30002"), told.stderr


def test_mapped_urls_by_the_environment(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = mirror(tmp_path, red=RED)
    with open_library(photos) as library:
        monkeypatch.setenv(
            "LOCALSEARCH_URL_MAP", f"\nhttps://other.example/={place}\n{SAMPLES}={place}"
        )
        app = ClarifaiApp(library=library)
        assert app.inputs.create_image_from_url(f"{SAMPLES}red.png").url == f"{SAMPLES}red.png"
        for wrong in ("no-folder", f"={place}", "https://a/="):
            monkeypatch.setenv("LOCALSEARCH_URL_MAP", wrong)
            with pytest.raises(UserError, match="URL_PREFIX"):
                ClarifaiApp(library=library)
        with pytest.raises(UserError, match="--allow-urls"):
            ClarifaiApp(base_url="http://127.0.0.1:1", allow_urls=True)
