"""Scores fitted without labels: the arithmetic, the tables of concepts, and a pack fitted anew."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from localsearch.errors import InputError, PackError
from localsearch.pack.load import load_pack
from localsearch.pack.manifest import raw_manifest
from localsearch.pack.vocabulary import Vocabulary
from localsearch.packs import calibrate_pack
from localsearch.packs.calibrate import captions, write_manifest
from localsearch.packs.fitting import fit_concepts, fit_text, fit_visual
from localsearch.packs.toml_text import toml_of
from localsearch.packs.vocabulary import beside_classes, read_list, table_of_list, zero_shot_table
from localsearch.scores import ScoreMap, sigmoid
from tests.packs.clip_pack import make_clip_pack
from tests.tiny_pack import make_photo, tiny_pack_folder

Floats = npt.NDArray[np.float64]


def units(rows: npt.NDArray[Any]) -> Floats:
    found: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def test_a_concept_that_some_photos_show_is_told_from_its_background() -> None:
    """Cosines as a CLIP has them: unrelated 0.18 with a spread of 0.02, related 0.30."""
    generator = np.random.default_rng(1)
    concepts = units(generator.normal(size=(40, 64)))
    cosines = 0.18 + 0.02 * generator.normal(size=(300, 40))
    shown = generator.random((300, 40)) < np.linspace(0.01, 0.4, 40)  # rare and common ones
    cosines[shown] += 0.12
    table = fit_concepts(*_with_cosines(cosines, concepts))
    chances = sigmoid(cosines * table[:, 0] + table[:, 1])
    assert (chances[shown] > 0.5).mean() > 0.97  # six spreads above; common ones blur their own
    assert (chances[~shown] > 0.5).mean() < 0.01
    assert (chances[~shown] >= table[0, 2]).mean() < 0.08  # listed at all


def _with_cosines(cosines: Floats, concepts: Floats) -> tuple[Floats, Floats]:
    """Photos whose products with the concepts are as told: solved, with room beside for length."""
    inverse = np.linalg.pinv(concepts.T)
    return cosines @ inverse, concepts


def test_of_few_photos_the_spread_is_that_of_all_concepts() -> None:
    generator = np.random.default_rng(2)
    photos = units(generator.normal(size=(9, 32)))
    concepts = units(generator.normal(size=(50, 32)))
    scales = fit_concepts(photos, concepts)[:, 0]
    assert scales.max() / scales.min() < 2.5


def test_score_maps_hold_what_they_promise() -> None:
    generator = np.random.default_rng(3)
    photos = units(generator.normal(size=(200, 32)) + 0.5)
    copies = units(photos + 0.02 * generator.normal(size=photos.shape))
    texts = units(generator.normal(size=(80, 32)) - 0.2)
    visual = ScoreMap(fit_visual(photos, copies))
    pairs = (photos @ photos.T)[np.triu_indices(200, 1)]
    assert np.median(visual.mapped(pairs)) == pytest.approx(0.35, abs=0.01)
    assert np.percentile(visual.mapped(np.sum(photos * copies, axis=1)), 5) >= 0.949
    text = fit_text(photos, texts)
    background = photos @ texts.T
    below = ScoreMap(text.knots).mapped(background)
    assert np.median(below) == pytest.approx(0.15, abs=0.01)
    assert text.least < text.enough
    assert (background > text.enough).mean() < 0.001


@given(st.integers(0, 2**32), st.floats(0.0, 1.0), st.integers(2, 20))
def test_a_map_rises_whatever_the_vectors_are(seed: int, alike: float, count: int) -> None:
    """Also of networks that give nearly one vector for all."""
    generator = np.random.default_rng(seed)
    one = generator.normal(size=(1, 8))
    photos = units(one + (1.0 - alike) * generator.normal(size=(count, 8)))
    ScoreMap(fit_visual(photos, photos))
    text = fit_text(photos, photos)
    ScoreMap(text.knots)
    assert -1 <= text.least <= text.enough <= 1
    assert np.isfinite(fit_concepts(photos, photos)).all()


@given(
    st.dictionaries(
        st.text(min_size=1),
        st.one_of(
            st.text(),
            st.booleans(),
            st.integers(-(2**60), 2**60),
            st.floats(allow_nan=False, allow_infinity=False),
            st.lists(st.integers(-9, 9)),
            st.dictionaries(st.text(min_size=1), st.text()),
            st.lists(st.dictionaries(st.text(min_size=1), st.text()), min_size=1),
        ),
    )
)
def test_toml_says_what_it_was_given(table: dict[str, Any]) -> None:
    assert tomllib.loads(toml_of(table)) == table


def test_the_built_in_manifest_survives_being_written_anew() -> None:
    raw = raw_manifest(Path(__file__).resolve().parents[1] / "weights" / "general")
    assert tomllib.loads(toml_of(raw)) == raw


def test_captions_are_ours_and_many() -> None:
    assert len(captions()) == len(set(captions())) >= 100
    assert all(caption == caption.strip() and caption for caption in captions())


def test_every_concept_becomes_a_probe() -> None:
    vocabulary = load_pack(tiny_pack_folder()).vocabulary
    said = zero_shot_table(vocabulary)
    made = Vocabulary(said.table)
    assert made.ids == vocabulary.ids and made.names == said.names
    assert made.outputs == [f"probe:{number}" for number in range(len(made))]
    assert made.find("scarlet").name == "red"


def test_classes_stay_beside_a_vector_of_another_network() -> None:
    general = load_pack(Path(__file__).resolve().parents[1] / "weights" / "general").vocabulary
    said = beside_classes(general)
    made = Vocabulary(said.table)
    assert made.ids == general.ids
    columns = [output.rpartition("probe:")[2] for output in made.outputs if "probe:" in output]
    assert sorted(map(int, columns)) == list(range(len(said.names)))
    for one, output in zip(made.concepts, made.outputs, strict=True):
        if "probe:" in output:
            assert said.names[int(output.rpartition(":")[2])] == one.name
    kinds = [one.kind for one in general.concepts]
    assert [one.kind for one in made.concepts] == kinds


def test_a_list_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("\ufeff# mine\nMy Dog\tRex| Bello\n\n犬\nmy-cat\n猫\n", encoding="utf-8")
    said = table_of_list(read_list(path))
    made = Vocabulary(said.table)
    assert said.names == ("My Dog", "犬", "my-cat", "猫")
    assert made.find("bello").id == "u-my-dog"
    assert len(set(made.ids)) == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has 0 concepts"),
        ("dog\nDog\n", "line 2"),
        ("\tdog\n", "line 1"),
        ("dog\ta\tb\n", "line 1"),
        ("dog\ncat\udcff", "cannot be read"),
    ],
)
def test_a_list_that_is_none(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=told):
        read_list(path)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "below").mkdir(parents=True)
    for seed in range(24):
        place = folder / "below" if seed % 2 else folder
        Image.fromarray(make_photo(seed)).save(place / f"{seed}.jpg", quality=92)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (folder / "notes.txt").write_text("none")
    return folder


def test_a_pack_is_fitted_anew(tmp_path: Path, pictures: Path) -> None:
    folder = make_clip_pack(tmp_path / "packs" / "clip-tiny")
    before = load_pack(folder)
    assert before.manifest.provisional
    done = calibrate_pack(folder, pictures)
    after = load_pack(folder, check="whole")
    assert (done.photos, done.refused, done.provisional) == (24, 1, False)
    assert after.version == done.version == before.version + 1
    assert after.encoder_digest == before.encoder_digest  # features stay
    assert after.pack_digest != before.pack_digest
    assert not after.manifest.provisional
    assert after.decoys.shape[0] == 24 and (after.floors > 0).all()
    named = set(after.manifest.files) | {"pack.toml", "MODEL_CARD.md"}
    assert {one.name for one in folder.iterdir()} == named
    again = calibrate_pack(folder, pictures)
    assert again.version == done.version + 1
    assert np.array_equal(load_pack(folder).floors, after.floors)


def test_a_calibration_keeps_the_readings_of_classes(tmp_path: Path, pictures: Path) -> None:
    folder = make_clip_pack(tmp_path / "packs" / "clip-tiny", classifier=True)
    pack = load_pack(folder)
    before = np.load(folder / pack.manifest.calibration)
    calibrate_pack(folder, pictures)
    after = np.load(folder / load_pack(folder).manifest.calibration)
    inner = ["probe:" not in output for output in pack.vocabulary.outputs]
    assert np.array_equal(before[inner], after[inner])
    assert not np.array_equal(before, after)


@pytest.mark.parametrize("classifier", [False, True])
def test_a_users_concepts_take_the_place_of_those_in_the_pack(
    tmp_path: Path, pictures: Path, classifier: bool
) -> None:
    folder = make_clip_pack(tmp_path / "packs" / "clip-tiny", classifier=classifier)
    words = tmp_path / "words.txt"
    words.write_text("My Boat\tdinghy\n犬\n", encoding="utf-8")
    raw = raw_manifest(folder)
    next(one for one in raw["parts"] if one["name"] == "concepts")["licence"] = "LicenseRef-Old"
    write_manifest(folder, raw)
    before = load_pack(folder)
    stay = [at for at, output in enumerate(before.vocabulary.outputs) if "probe" not in output]
    floors = before.floors[stay]
    done = calibrate_pack(folder, pictures, vocabulary=words)
    after = load_pack(folder, check="whole")
    assert done.version == after.version == before.version + 1
    assert after.encoder_digest == before.encoder_digest  # no photo is looked at again
    found = after.vocabulary
    assert found.find("dinghy").name == "My Boat" and found.knows("犬")
    assert found.names == (*(before.vocabulary.names[at] for at in stay), "My Boat", "犬")
    kept = [found.ids.index(before.vocabulary.ids[at]) for at in stay]
    assert (len(kept) > 0) == classifier
    assert np.array_equal(after.floors[kept], floors)
    part = next(part for part in after.parts if "concepts" in part.name)
    assert part.source == "a vocabulary of the user's, said in prompts"
    assert (part.licence == "LicenseRef-Old") == classifier
    named = set(after.manifest.files) | {"pack.toml", "MODEL_CARD.md"}
    assert {one.name for one in folder.iterdir()} == named
    # Without another list it keeps them.
    calibrate_pack(folder, pictures)
    assert load_pack(folder).vocabulary.names == found.names


def test_a_list_that_is_none_changes_nothing(tmp_path: Path, pictures: Path) -> None:
    folder = make_clip_pack(tmp_path / "packs" / "clip-tiny")
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    with pytest.raises(InputError, match="cannot be read"):
        calibrate_pack(folder, pictures, vocabulary=tmp_path / "nowhere.txt")
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before


def test_too_few_photos_change_nothing(tmp_path: Path) -> None:
    folder = make_clip_pack(tmp_path / "packs" / "clip-tiny")
    few = tmp_path / "few"
    few.mkdir()
    Image.fromarray(make_photo(1)).save(few / "one.jpg")
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    with pytest.raises(InputError, match="1 photos that can be read"):
        calibrate_pack(folder, few)
    with pytest.raises(InputError, match="no folder"):
        calibrate_pack(folder, few / "nowhere")
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before


def test_tables_are_not_fitted_so(pictures: Path) -> None:
    with pytest.raises(PackError, match="is none whose texts"):
        calibrate_pack("general", pictures)


def test_a_crash_before_the_manifest_leaves_the_old_pack(tmp_path: Path, pictures: Path) -> None:
    """What a calibration writes first are new files; one that is in the way is overwritten."""
    folder = make_clip_pack(tmp_path / "packs" / "clip-tiny")
    (folder / "calibration-2.npy").write_bytes(b"half a file")
    digest = load_pack(folder, check="whole").pack_digest
    assert calibrate_pack(folder, pictures).version == 2
    assert load_pack(folder, check="whole").pack_digest != digest


def test_a_manifest_keeps_digests_that_it_has(tmp_path: Path) -> None:
    folder = make_clip_pack(tmp_path / "clip-tiny")
    raw = raw_manifest(folder)
    write_manifest(folder, raw)
    assert raw_manifest(folder) == raw
