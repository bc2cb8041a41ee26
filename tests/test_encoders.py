"""Encoders: preparation is exact, a provider is proved before it is trusted, results are pure."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from localsearch.encoders import open_image_encoder
from localsearch.encoders.image import ImageEncoder
from localsearch.encoders.prepare import batch_of, crop_box, fitted, golden_picture, prepare
from localsearch.encoders.providers import provider_named
from localsearch.encoders.session import Session, open_session
from localsearch.errors import PackDamaged, PackError, PackMissing, PackProvider
from localsearch.pack import ImageSpec, Pack, find_pack, load_pack, network_file
from tests.tiny_pack import golden_pixels, make_photo, tiny_pack_folder


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(tiny_pack_folder())


@pytest.fixture(scope="module")
def encoder(pack: Pack) -> Iterator[ImageEncoder]:
    opened = open_image_encoder(pack)
    yield opened
    opened.close()


def plain(pixels: np.ndarray, image: ImageSpec) -> np.ndarray:
    """The definition: resize all of it, then cut the middle."""
    height, width = pixels.shape[:2]
    short = min(width, height)
    size = tuple(max(round(side * image.resize / short), image.size) for side in (width, height))
    whole = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
    left, top = ((side - image.size) // 2 for side in size)
    return np.asarray(whole.crop((left, top, left + image.size, top + image.size)))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 260), st.integers(1, 260), st.integers(0, 99))
def test_prepare_is_resize_then_crop(width: int, height: int, seed: int) -> None:
    image = load_pack(tiny_pack_folder()).image
    # Away from 0 and 255: Pillow takes its two passes in either order, and clips between them.
    pixels = np.random.default_rng(seed).integers(64, 192, (height, width, 3), dtype=np.uint8)
    found, expected = fitted(pixels, image), plain(pixels, image)
    assert found.shape == (image.size, image.size, 3)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("shape", [(1, 20_000), (20_000, 1), (1, 1), (2, 30_001), (4000, 3)])
def test_extreme_shapes_stay_small(shape: tuple[int, int], pack: Pack) -> None:
    image = pack.image._replace(size=260, resize=297)
    pixels = np.full((*shape, 3), 77, dtype=np.uint8)
    assert (fitted(pixels, image) == 77).all()
    left, top, right, bottom = crop_box(shape[1], shape[0], image)
    assert 0 <= left < right <= shape[1]
    assert 0 <= top < bottom <= shape[0]


def test_prepare_of_views_and_smaller_copies(pack: Pack) -> None:
    pixels = make_photo(3, (400, 300))
    flipped = pixels[:, ::-1]  # not contiguous
    mirrored = fitted(flipped, pack.image).astype(int)
    assert np.abs(mirrored - fitted(pixels, pack.image)[:, ::-1]).max() <= 1
    half = np.asarray(Image.fromarray(pixels).reduce(2))
    apart = np.abs(fitted(half, pack.image).astype(int) - fitted(pixels, pack.image))
    assert apart.mean() < 2


def test_a_batch_is_what_the_network_wants(pack: Pack) -> None:
    pictures = [fitted(make_photo(seed), pack.image) for seed in range(3)]
    image = pack.image._replace(mean=(1.0, 2.0, 3.0), std=(4.0, 5.0, 6.0))
    batch = batch_of(pictures, image)
    assert (batch.dtype, batch.shape) == (np.float32, (3, 3, 32, 32))
    expected = (np.stack(pictures).astype(np.float32) - image.mean) / image.std
    assert np.allclose(batch, expected.transpose(0, 3, 1, 2), atol=1e-5)


def test_the_golden_picture_is_frozen() -> None:
    assert np.array_equal(golden_picture(1, 32), golden_pixels(1, 32))


def test_colours_are_recognised(pack: Pack, encoder: ImageEncoder) -> None:
    vectors, logits = encoder.encode([prepare(make_photo(seed), pack.image) for seed in range(12)])
    assert (vectors.dtype, logits.dtype) == (np.float16, np.float16)
    assert vectors.shape == (12, 32)
    assert logits.shape == (12, 12)
    assert logits.argmax(axis=1).tolist() == list(range(12))
    assert np.allclose(np.linalg.norm(vectors.astype(np.float64), axis=1), 1, atol=2e-3)
    probabilities = pack.probabilities(vectors, logits)
    assert (probabilities[np.arange(12), np.arange(12)] > 0.5 * 65535).all()


def test_a_row_does_not_depend_on_the_batch(pack: Pack, encoder: ImageEncoder) -> None:
    pictures = [prepare(make_photo(seed), pack.image) for seed in range(9)]
    vectors, logits = encoder.encode(pictures)
    for index, picture in enumerate(pictures):
        one_vector, one_logits = encoder.encode([picture])
        assert np.array_equal(vectors[index], one_vector[0])
        assert np.array_equal(logits[index], one_logits[0])
    empty = encoder.encode([])
    assert empty[0].shape == (0, 32)


def test_a_wide_batch_is_filled_up_and_cut(pack: Pack, encoder: ImageEncoder) -> None:
    """As a GPU takes them; the CPU stands in, its rows may differ in the last bit of a half."""
    image = pack.image
    session = open_session(
        network_file(pack, image.network), ("vector", "logits"), "CPUExecutionProvider", {}, 1
    )
    wide = ImageEncoder(
        [session], image, provider_named("cpu"), threads=1, batch=4, many_lanes=False
    )
    pictures = [prepare(make_photo(seed), image) for seed in range(6)]
    for found, expected in zip(wide.encode(pictures), encoder.encode(pictures), strict=True):
        assert np.allclose(found, expected, rtol=2e-3, atol=2e-3)
    assert wide.lanes(16) == 1


def test_many_threads_share_one_encoder(pack: Pack, encoder: ImageEncoder) -> None:
    pictures = [prepare(make_photo(seed), pack.image) for seed in range(8)]
    expected = encoder.encode(pictures)[0]
    wrong: list[int] = []

    def work() -> None:
        for _ in range(10):
            if not np.array_equal(encoder.encode(pictures)[0], expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_lanes(pack: Pack, encoder: ImageEncoder) -> None:
    assert (encoder.provider, encoder.batch, encoder.lanes(6)) == ("cpu", 1, 6)
    small = open_image_encoder(pack, low_memory=True)
    assert (small.batch, small.lanes(6)) == (1, 1)
    assert open_image_encoder(pack, threads=2).lanes(6) == 3


def test_a_closed_encoder_says_so(pack: Pack) -> None:
    encoder = open_image_encoder(pack, provider="cpu")
    encoder.close()
    with pytest.raises(PackError, match="closed"):
        encoder.encode([prepare(make_photo(0), pack.image)])


def test_a_path_that_is_not_ascii(pack: Pack, tmp_path: Path) -> None:
    folder = shutil.copytree(pack.folder, tmp_path / "模型 ü")
    assert open_image_encoder(load_pack(folder)).provider == "cpu"


@pytest.mark.parametrize("harm", ["turned", "long", "nan", "inf"])
def test_a_provider_that_computes_wrong_is_not_trusted(
    pack: Pack, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    real = Session.run

    def wrong(self: Session, name: str, values: np.ndarray) -> list[np.ndarray]:
        vectors, logits = real(self, name, values)
        if harm == "turned":
            return [vectors[:, ::-1], logits]
        if harm == "long":
            return [vectors * 2, logits]
        (vectors if harm == "nan" else logits)[0, 0] = np.nan if harm == "nan" else np.inf
        return [vectors, logits]

    monkeypatch.setattr(Session, "run", wrong)
    with pytest.raises(PackProvider, match=r"wrong vectors|not a number"):
        open_image_encoder(pack)


def test_a_large_network_is_not_read_into_memory_twice(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its path, also by one that is not ASCII; what is gone or no network is told as before."""

    def never(_: Path) -> bytes:
        raise AssertionError("read as bytes")

    large = load_pack(shutil.copytree(pack.folder, tmp_path / "模型 ü"))
    pixels = prepare(make_photo(3), pack.image)
    expected = open_image_encoder(large, provider="cpu").encode([pixels])
    monkeypatch.setattr("localsearch.encoders.session._LARGE", 100)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", never)
        found = open_image_encoder(large, provider="cpu").encode([pixels])
    assert all(map(np.array_equal, found, expected))
    (tmp_path / "no.onnx").write_bytes(b"no network " * 100)
    with pytest.raises(PackProvider):
        open_session(tmp_path / "no.onnx", ("vector",), "CPUExecutionProvider", {}, 1)
    with pytest.raises(PackDamaged):
        open_session(tmp_path / "gone.onnx", ("vector",), "CPUExecutionProvider", {}, 1)


def test_what_is_no_network(pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "image.onnx"
    with pytest.raises(PackDamaged):
        open_session(path, ("vector",), "CPUExecutionProvider", {}, 1)
    path.write_bytes(b"no network")
    with pytest.raises(PackProvider):
        open_session(path, ("vector",), "CPUExecutionProvider", {}, 1)


def test_importing_the_room_loads_nothing_heavy() -> None:
    code = (
        "import sys, localsearch.encoders, localsearch.pipeline;"
        "assert not {'onnxruntime', 'PIL'} & set(sys.modules), 'loaded too early'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_memory_does_not_grow_with_use() -> None:
    """In a child of its own: the arena must be full after a few passes."""
    code = (
        "import sys, psutil, threading; from pathlib import Path;"
        "from tests.tiny_pack import make_photo; from localsearch.pack import load_pack;"
        "from localsearch.encoders import open_image_encoder;"
        "from localsearch.encoders.prepare import prepare;"
        "pack = load_pack(Path(sys.argv[1])); encoder = open_image_encoder(pack);"
        "picture = prepare(make_photo(1), pack.image);"
        "work = lambda: [encoder.encode([picture] * (1 + i % 7)) for i in range(150)];\n"
        "def both():\n"
        "    threads = [threading.Thread(target=work) for _ in range(2)]\n"
        "    [t.start() for t in threads]; [t.join() for t in threads]\n"
        "    return psutil.Process().memory_info().rss\n"
        "both(); first = both(); last = [both() for _ in range(3)][-1]\n"
        "assert last - first < 8 << 20, (first, last)"
    )
    root = Path(__file__).resolve().parents[1]
    subprocess.run([sys.executable, "-c", code, str(tiny_pack_folder())], check=True, cwd=root)


def test_the_built_in_pack_proves_itself() -> None:
    """Its golden vector, on this machine's CPU, from its own network."""
    try:
        folder = find_pack("general")
    except PackMissing:
        pytest.skip("the pack `general` is not built here")
    general = load_pack(folder)
    encoder = open_image_encoder(general, provider="cpu")
    picture = prepare(make_photo(1, (400, 300)), general.image)
    vectors, logits = encoder.encode([picture])
    assert abs(np.linalg.norm(vectors[0].astype(np.float64)) - 1) < 2e-3
    assert general.probabilities(vectors, logits).shape == (1, len(general.vocabulary))
    # More threads on one picture change nothing: a query may take all cores.
    again = open_image_encoder(general, provider="cpu", threads=2).encode([picture])
    assert np.array_equal(vectors, again[0])
    assert np.array_equal(logits, again[1])
