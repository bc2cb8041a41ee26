"""Networks whose weights are mapped: the same numbers, and nothing is guessed of other files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from localsearch.encoders.mapped import without_weights
from localsearch.encoders.prepare import batch_of, golden_picture
from localsearch.encoders.session import open_session
from localsearch.errors import PackDamaged, PackProvider
from localsearch.pack import find_pack, load_pack
from localsearch.pack.find import network_file

CPU = "CPUExecutionProvider"
GENERAL = load_pack(find_pack("general"))
NETWORK = network_file(GENERAL, GENERAL.image.network)


def test_the_same_numbers_to_the_last_bit(tmp_path: Path) -> None:
    copy = tmp_path / "Füße 写真" / "näher.onnx"
    copy.parent.mkdir()
    shutil.copyfile(NETWORK, copy)
    small = without_weights(copy)
    assert small is not None and len(small) < copy.stat().st_size / 2
    image = GENERAL.image
    batch = batch_of([golden_picture(3, image.size)], image)
    plain = onnxruntime.InferenceSession(str(NETWORK), providers=[CPU])
    (expected,) = plain.run([image.vector], {image.input: batch})
    (found,) = open_session(copy, [str(image.vector)], CPU, {}, 1).run(image.input, batch)
    assert np.abs(found - expected).max() <= 1e-6 * np.abs(expected).max()


@pytest.mark.skipif(os.name == "nt", reason="weights are not mapped on Windows")
def test_a_network_moved_after_it_was_opened_still_answers(tmp_path: Path) -> None:
    copy = tmp_path / "network.onnx"
    shutil.copyfile(NETWORK, copy)
    image = GENERAL.image
    session = open_session(copy, [str(image.vector)], CPU, {}, 1)
    batch = batch_of([golden_picture(3, image.size)], image)
    before = session.run(image.input, batch)[0]
    copy.unlink()
    assert np.array_equal(session.run(image.input, batch)[0], before)


@pytest.mark.parametrize("cut", [0, 1, 1000, 100_000])
def test_half_a_file_is_left_to_the_runtime_to_refuse(tmp_path: Path, cut: int) -> None:
    part = tmp_path / "network.onnx"
    part.write_bytes(NETWORK.read_bytes()[:cut])
    assert without_weights(part) is None
    with pytest.raises(PackProvider):
        open_session(part, ["vector"], CPU, {}, 1)


def test_noise_gives_none(tmp_path: Path) -> None:
    file = tmp_path / "noise"
    rng = np.random.default_rng(5)
    for size in (1, 10, 1000, 200_000):
        file.write_bytes(rng.bytes(size))
        assert without_weights(file) is None


def test_no_file_is_damage(tmp_path: Path) -> None:
    with pytest.raises(PackDamaged, match="cannot be read"):
        open_session(tmp_path / "none.onnx", ["vector"], CPU, {}, 1)
