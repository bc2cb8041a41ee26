"""A library with a pack of two towers: what it searches by, which network each question loads.

The towers are tiny and real (`tests/packs/clip_pack.py`): a text of a colour's name lies beside
pictures of that colour, as with any pack of that kind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import localsearch as ls
from localsearch.pack import find, load_pack
from localsearch.scores import ONE
from tests.make_library import OPENED, write_photo
from tests.packs.clip_pack import clip_pack_folder, make_clip_pack
from tests.tiny_pack import COLOURS, tiny_pack_folder

NAMES = [name for name, *_ in COLOURS]
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def library(photos: Path) -> Iterator[ls.Library]:
    """Two photos of each colour."""
    for n in range(24):
        write_photo(photos / f"{n}.png", n, size=(400, 330))
    with opened(photos) as library:
        library.sync()
        yield library


def opened(photos: Path, **options: Any) -> ls.Library:
    library = ls.open(photos, pack=str(clip_pack_folder()), **options)
    OPENED.add(library.store)
    return library


def found(library: ls.Library, query: Any, limit: int = 500) -> dict[str, float]:
    """Names of photos and their scores, best first."""
    hits = library.search(query, limit=limit)
    return {hit.path.name: hit.score for hit in hits if hit.path is not None}


def first(scores: dict[str, float], count: int) -> list[str]:
    return [*scores][:count]


# ---------------------------------------------------------------- the pack of a library


def test_a_new_library_takes_the_pack_that_is_named(library: ls.Library, photos: Path) -> None:
    assert library.pack_name == "clip-tiny"
    assert library.status().pack == "clip-tiny 1"
    library.close()
    with ls.open(photos) as again:  # without a name, by what it has
        assert again.pack_name == "clip-tiny"


def test_another_pack_later_is_an_error_that_names_reindex(
    library: ls.Library, photos: Path, tmp_path: Path
) -> None:
    library.close()
    with pytest.raises(ls.PackError, match="uses the pack clip-tiny") as caught:
        ls.open(photos, pack=str(tiny_pack_folder()))
    assert f"reindex --pack {tiny_pack_folder()}" in caught.value.hint
    with pytest.raises(ls.InputError, match="a library already") as taken:
        ls.init(photos, pack=str(tiny_pack_folder()))
    assert "reindex --pack" in taken.value.hint
    with pytest.raises(ls.PackMissing, match="no-such-pack"):
        ls.open(photos, pack="no-such-pack")
    with pytest.raises(ls.PackMissing):
        ls.open(tmp_path, store=tmp_path / "store", pack="no-such-pack")
    assert not (tmp_path / "store").exists()


def test_init_takes_a_pack(photos: Path) -> None:
    def init(*words: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "localsearch", "init", str(photos), "--json", *words],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        return dict(json.loads(done.stdout))

    assert init("--pack", str(clip_pack_folder()))["pack"] == "clip-tiny"
    again = init("--pack", str(tiny_pack_folder()))["error"]
    assert again["code"] == "input" and "reindex --pack" in again["hint"]


# ---------------------------------------------------------------- everything from one pack


def test_texts_pictures_and_concepts_all_come_from_the_pack(
    library: ls.Library, photos: Path
) -> None:
    for n, name in enumerate(NAMES[:8]):
        of_it = {f"{n}.png", f"{n + 12}.png"}
        text = first(found(library, ls.text(f"a photo of a {name}", min_score=0.0)), 4)
        assert of_it & {*text}, name
        assert first(found(library, ls.like(photos / f"{n}.png")), 1) == [f"{n}.png"]
        assert of_it & found(library, ls.concept(name)).keys(), name
        assert library.predict(photos / f"{n}.png", limit=3)
    assert library.verify() == ()


def test_a_picture_finds_itself_whole_and_in_part(library: ls.Library, photos: Path) -> None:
    one = write_photo(photos.parent / "new.png", 24, size=(400, 330))
    assert found(library, ls.like(one))
    part = ls.like(photos / "3.png", region=(0.0, 0.0, 1.0, 0.999))
    assert first(found(library, part), 1) == ["3.png"]


def test_weighted_sums_of_texts_pictures_and_parts_are_one_space(
    library: ls.Library, photos: Path
) -> None:
    """Against sums in plain numpy, of the vectors that the towers give."""
    region = (0.1, 0.1, 0.6, 0.7)
    parts = library._parts
    every = {one.path.name: library.embed(id=one.id) for one in library.inputs() if one.path}
    rows = {name: np.array(vector, np.float64) for name, vector in every.items()}
    data = (photos / "5.png").read_bytes()
    text = parts.models.vector_of_text("a red photo").astype(np.float64)
    night = parts.models.vector_of_text("night").astype(np.float64)
    part = parts.models.vector_of_part(data, region).astype(np.float64)
    like, of_part = ls.like(photos / "5.png"), ls.like(photos / "5.png", region=region)
    red, dark = ls.text("a red photo"), ls.text("night")
    pack = parts.pack
    assert pack.text is not None
    cases: list[tuple[Any, np.ndarray, Any]] = [
        (0.6 * like + 0.4 * red, 0.6 * rows["5.png"] + 0.4 * text, pack.visual),
        (like - 0.5 * red, rows["5.png"] - 0.5 * text, pack.visual),
        (0.5 * of_part + red - 0.3 * dark, 0.5 * part + text - 0.3 * night, pack.visual),
        (red - 0.7 * dark, text - 0.7 * night, pack.text.score_map),
        (red - 0.2 * like, text - 0.2 * rows["5.png"], pack.text.score_map),
        (0.3 * of_part - 0.1 * like, 0.3 * part - 0.1 * rows["5.png"], pack.visual),
    ]
    for term, vector, score_map in cases:
        vector = vector / np.linalg.norm(vector)
        cosines = {name: float(row @ vector) for name, row in rows.items()}
        scores = found(library, term)
        assert scores.keys() == rows.keys()
        for name, score in scores.items():
            (wanted,) = score_map.scores(np.array([cosines[name]]))
            assert abs(score - float(wanted) / ONE) < 2e-3, (str(term), name)
        values = [cosines[name] for name in scores]
        assert all(one >= other - 1e-3 for one, other in pairwise(values))
        assert found(library, str(term)) == scores


def test_a_sum_in_words(library: ls.Library, photos: Path) -> None:
    words = f'sum(0.6*like:"{photos / "5.png"}" + 0.4*text:"red photo" - 0.2*text:night)'
    term = 0.6 * ls.like(photos / "5.png") + 0.4 * ls.text("red photo") - 0.2 * ls.text("night")
    assert found(library, words) == found(library, term)
    with pytest.raises(ls.QueryError, match="cancel each other out"):
        library.search(ls.text("red photo") - ls.text("red photo"))


# ---------------------------------------------------------------- which tower is loaded

WATCH = """
import json, sys
import localsearch as ls
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
store, kind, what = sys.argv[1:]
with ls.open(store=store, create=False) as library:
    query = {"text": ls.text, "like": ls.like, "concept": ls.concept}[kind](what)
    hits = library.search(query, limit=3)
    status = library.status()
networks = sorted({one.rsplit("/", 1)[-1] for one in opened if one.endswith(".onnx")})
print(json.dumps([networks, [hit.path.name for hit in hits], "onnxruntime" in sys.modules]))
"""


def networks_of(store: Path, kind: str, what: str) -> list[Any]:
    """The networks that a question opens in a fresh process, its hits, and ONNX Runtime at all."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(store), kind, what],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return list(json.loads(done.stdout))


def test_each_question_opens_its_own_tower_alone(library: ls.Library, photos: Path) -> None:
    """Every file that the process opens is watched, from below Python's own files."""
    store = library.store
    library.close()
    networks_of(store, "concept", "red")  # the pack is read whole once a machine, to be compared
    new = write_photo(photos.parent / "new.png", 24, size=(400, 330))
    networks, hits, _ = networks_of(store, "text", "a red photo")
    assert networks == ["text.onnx"] and {"0.png", "12.png"} & {*hits}
    networks, hits, _ = networks_of(store, "like", str(new))
    assert networks == ["image.onnx"] and hits
    assert networks_of(store, "like", str(photos / "7.png")) == [[], ["7.png", *ANY], False]
    networks, _, runtime = networks_of(store, "concept", "red")
    assert (networks, runtime) == ([], False)


class _Any:
    """The rest of a list of hits."""

    def __eq__(self, other: object) -> bool:
        return True


ANY = [_Any(), _Any()]


def test_a_text_needs_no_image_tower_at_all(library: ls.Library, photos: Path) -> None:
    """The tower is gone: a text is answered, and a new picture is an error that names it."""
    right = found(library, ls.text("a red photo"))
    copy = library._parts.pack.folder
    library.close()
    with opened(photos) as again:
        (copy / "image.onnx").unlink()
        assert found(again, ls.text("a red photo")) == right
        assert found(again, ls.like(photos / "3.png"))
        new = write_photo(photos.parent / "new.png", 24)
        with pytest.raises(ls.PackError, match=r"image\.onnx"):
            again.search(ls.like(new))
    (copy / "image.onnx").write_bytes((clip_pack_folder() / "image.onnx").read_bytes())


def test_a_picture_needs_no_text_tower(library: ls.Library, photos: Path) -> None:
    copy = library._parts.pack.folder
    library.close()
    with opened(photos) as again:
        (copy / "text.onnx").unlink()
        assert found(again, ls.like(write_photo(photos.parent / "new.png", 24)))
        with pytest.raises(ls.PackError, match=r"text\.onnx"):
            again.search(ls.text("a red photo"))
    (copy / "text.onnx").write_bytes((clip_pack_folder() / "text.onnx").read_bytes())


# ---------------------------------------------------------------- large networks stay away


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack of the user whose networks are too large to be copied into each library."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(find, "LARGE", 1 << 20)
    folder = tmp_path / "data" / "localsearch" / "packs" / "clip-large"
    return make_clip_pack(folder, name="clip-large", padding=2 << 20)


@contextmanager
def synced(photos: Path) -> Iterator[ls.Library]:
    """A library of four photos that has the large pack."""
    for n in range(4):
        write_photo(photos / f"{n}.png", n)
    with ls.open(photos, pack="clip-large") as library:
        library.sync()
        yield library


def test_large_networks_are_found_where_the_pack_is_installed(large: Path, photos: Path) -> None:
    with synced(photos) as library:
        right = found(library, ls.text("a red photo", min_score=0.0))
        inside = library.store / "packs" / load_pack(large).pack_digest[:16]
        assert {path.name for path in inside.glob("*.onnx")} == set()
        assert library.status().bytes < 1 << 20
        assert not [note for note in library.status().notes if "cannot be found" in note]
        assert library.verify() == ()
    with ls.open(photos) as library:
        assert found(library, ls.text("a red photo", min_score=0.0)) == right


def test_without_its_networks_a_library_says_what_still_works(
    large: Path, photos: Path, tmp_path: Path
) -> None:
    with synced(photos) as library:
        right = found(library, ls.like(photos / "2.png"))
        concepts = found(library, ls.concept("red"))
    large.rename(tmp_path / "away")
    new = write_photo(photos.parent / "new.png", 24)
    with ls.open(photos) as library:
        assert found(library, ls.like(photos / "2.png")) == right
        one = library.find(photos / "2.png")
        assert one is not None and found(library, ls.like(id=one.id)) == right
        assert found(library, ls.concept("red")) == concepts
        for asked in (ls.text("a red photo"), ls.like(new)):
            with pytest.raises(ls.PackMissing, match="clip-large") as caught:
                library.search(asked)
            assert "work without it" in caught.value.message and "clip-large" in caught.value.hint
        (told,) = [note for note in library.status().notes if "cannot be found" in note]
        assert "image.onnx and text.onnx" in told and "install clip-large again" in told
        assert library.sync().unchanged == 4
        write_photo(photos / "more.png", 9)
        with pytest.raises(ls.PackMissing, match="clip-large"):
            library.sync()
    (tmp_path / "away").rename(large)
    with ls.open(photos) as library:
        assert library.sync().added == 1
        assert found(library, ls.text("a red photo"))


# ---------------------------------------------------------------- marks


def test_what_is_provisional_is_told(photos: Path, tmp_path: Path) -> None:
    with opened(photos) as library:
        (told,) = [note for note in library.status().notes if "provisional" in note]
        assert "concepts and text" in told and "packs calibrate clip-tiny FOLDER" in told
    sure = make_clip_pack(tmp_path / "sure", name="clip-sure", provisional=False)
    with ls.open(tmp_path, store=tmp_path / "store", pack=str(sure)) as library:
        assert not [note for note in library.status().notes if "provisional" in note]


# ---------------------------------------------------------------- carried over, held back


def test_a_backup_needs_its_pack_where_it_comes_back(
    large: Path, photos: Path, tmp_path: Path
) -> None:
    """On another computer, where neither the pack nor the folder that it lay in is."""
    with synced(photos) as library:
        right = found(library, ls.like(photos / "2.png"))
        file = library.backup(tmp_path / "a.backup").file
    assert file.stat().st_size < 1 << 20  # without the networks
    large.rename(tmp_path / "away")
    ls.recover(file, store=tmp_path / "again")
    with ls.open(store=tmp_path / "again") as library:
        assert found(library, ls.like(photos / "2.png")) == right
        assert "install clip-large again" in " ".join(library.status().notes)
        with pytest.raises(ls.PackMissing, match="clip-large"):
            library.search(ls.text("a red photo"))


THREADS = """
import os, sys
import localsearch as ls
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
with ls.open(store=sys.argv[1], create=False) as library:
    library.search(ls.text("a red photo"))
    session = library._parts.models._text._session._session
    print(session.get_session_options().intra_op_num_threads)
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_a_text_takes_the_cores_that_it_may_use(library: ls.Library) -> None:
    store = library.store
    library.close()
    command = [sys.executable, "-c", THREADS, str(store)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "1"
    with ls.open(store=store, threads=2) as again:
        again.search(ls.text("a red photo"))
        text: Any = again._parts.models._text
        assert text._session._session.get_session_options().intra_op_num_threads == 2
