"""A text network: proved before it is trusted, apart from the image network, loaded when asked."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from localsearch.encoders import text_network
from localsearch.encoders.session import Session
from localsearch.encoders.text import TextEncoder
from localsearch.encoders.text_network import TextNetwork, open_text_encoder
from localsearch.errors import PackDamaged, PackError, PackProvider, QueryNoText
from localsearch.pack import Pack, load_pack
from tests.packs.clip_pack import CONTEXT, clip_pack_folder, make_clip_pack
from tests.tiny_pack import tiny_pack_folder


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(clip_pack_folder())


def opened(pack: Pack) -> TextNetwork:
    found = open_text_encoder(pack, provider="cpu")
    assert isinstance(found, TextNetwork)
    return found


@pytest.fixture(scope="module")
def network(pack: Pack) -> Iterator[TextNetwork]:
    found = opened(pack)
    yield found
    found.close()


def test_vectors_are_unit_ones_of_the_packs_space(pack: Pack, network: TextNetwork) -> None:
    vector = network.encode("a photo of a dog")
    assert (vector.dtype, vector.shape) == (np.float32, (pack.dimensions,))
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert (network.provider, network.choice.runs) == ("cpu", "cpu")
    assert (network.encode("a photo of a dog") == vector).all()
    assert (network.encode("  A PHOTO of a &quot;dog") != vector).any()


def test_a_pack_of_tables_opens_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a network was opened")

    monkeypatch.setattr(text_network, "open_session", never)
    assert isinstance(open_text_encoder(load_pack(tiny_pack_folder())), TextEncoder)
    with pytest.raises(ValueError, match="no text part"):
        open_text_encoder(load_pack(tiny_pack_folder(text=False)))


def test_what_is_not_packed_gives_the_same(network: TextNetwork, pack: Pack) -> None:
    at_once = open_text_encoder(pack, packed=False)
    for text in ("a dog", "two dogs playing in the snow", "犬"):
        assert np.allclose(at_once.encode(text), network.encode(text), atol=1e-6)
    at_once.close()


@pytest.mark.parametrize("said", ["", "?!", "the", "of the", "_", "+ =", "\u200d"])
def test_what_says_nothing_is_refused(network: TextNetwork, said: str) -> None:
    with pytest.raises(QueryNoText, match="show nothing") as caught:
        network.encode(said)
    assert "snow" in caught.value.hint


@pytest.mark.parametrize(
    "said", ["犬", "собака", "qwrtp", "the 7", "photo of nothing known", "🐶", "the ❤️"]
)
def test_words_of_all_kinds_are_read(network: TextNetwork, said: str) -> None:
    assert np.isfinite(network.encode(said)).all()


def test_many_texts_are_each_as_one(network: TextNetwork) -> None:
    texts = ["the", "", *(f"a photo of a dog {number}" for number in range(40))]
    found = network.encode_many(texts)
    assert found.shape == (42, network.encode("dog").size)
    for text, vector in zip(texts[2:], found[2:], strict=True):
        assert np.allclose(network.encode(text), vector, atol=1e-6)
    assert network.encode_many([]).shape == (0, found.shape[1])


def test_rows_are_cut_where_the_pack_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    widths = list[int]()
    real = Session.run

    def run(self: Session, name: str, values: np.ndarray) -> list[np.ndarray]:
        widths.append(values.shape[1])
        return real(self, name, values)

    monkeypatch.setattr(Session, "run", run)
    cut = opened(load_pack(make_clip_pack(tmp_path / "cut", cut=True)))
    whole = opened(load_pack(make_clip_pack(tmp_path / "whole")))
    del widths[:]
    vectors = [each.encode("a dog") for each in (cut, whole)]
    assert widths == [4, CONTEXT]  # beginning, two words, end
    # This tower counts paddings too, so the vectors are close only; a causal one gives the same.
    assert vectors[0] @ vectors[1] > 0.99
    many = cut.encode_many(["dog", "a photo of a dog with the dog"])
    assert widths[-1] == 10 and many.shape[0] == 2


def test_threads_share_one_network(network: TextNetwork) -> None:
    texts = ["a red photo", "two dogs", "the sea at night"]
    expected = [network.encode(text) for text in texts]
    wrong = list[str]()

    def work() -> None:
        for _ in range(20):
            for text, vector in zip(texts, expected, strict=True):
                if not np.array_equal(network.encode(text), vector):
                    wrong.append(text)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_closed_network_says_so(pack: Pack) -> None:
    network = opened(pack)
    network.close()
    with pytest.raises(PackError, match="closed"):
        network.encode("a dog")


@pytest.mark.parametrize("harm", ["turned", "long", "nan", "zero", "narrow"])
def test_a_provider_that_computes_wrong_is_not_trusted(
    pack: Pack, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    real = Session.run

    def wrong(self: Session, name: str, values: np.ndarray) -> list[np.ndarray]:
        (found,) = real(self, name, values)
        changed = {
            "turned": found[:, ::-1],
            "long": 2 * found,
            "nan": np.full_like(found, np.nan),
            "zero": 0 * found,
            "narrow": found[:, :5],
        }
        return [changed[harm]]

    monkeypatch.setattr(Session, "run", wrong)
    expected = PackDamaged if harm == "narrow" else PackProvider
    with pytest.raises(expected, match=r"wrong vectors|not a number|expected \(1, 24\)"):
        open_text_encoder(pack, provider="cpu")


def test_a_tokenizer_that_cuts_otherwise_is_told(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a version of a package would that changed its mind."""
    golden = pack.golden.text
    assert golden is not None
    wrong = golden._replace(tokens=(7, *golden.tokens[1:]))
    manifest = pack.manifest._replace(golden=pack.golden._replace(text=wrong))
    with pytest.raises(PackDamaged, match="other tokens") as caught:
        open_text_encoder(Pack(pack.folder, manifest))
    assert "ftfy" in caught.value.hint


def test_a_folder_that_is_not_ascii(pack: Pack, tmp_path: Path) -> None:
    folder = shutil.copytree(pack.folder, tmp_path / "模型 ü")
    assert opened(load_pack(folder)).encode("a dog").any()


def test_the_towers_load_apart_and_when_they_are_asked(tmp_path: Path) -> None:
    """In a child of its own: a text opens the text network alone, a concept opens neither."""
    from tests.make_library import write_photo

    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        write_photo(folder / f"{number}.png", number)
    code = (
        "import sys, localsearch as ls\n"
        "with ls.init(sys.argv[1], pack=sys.argv[2]) as library: library.sync()\n"
        "import localsearch.encoders.session as room\n"
        "opened, packed, real = [], [], room.open_session\n"
        "def told(network, *rest, **more):\n"
        "    opened.append(network.name); packed.append(more.get('packed'))\n"
        "    return real(network, *rest, **more)\n"
        "from localsearch.encoders import image, text_network\n"
        "image.open_session = text_network.open_session = told\n"
        "with ls.open(sys.argv[1]) as library:\n"
        "    library.search('red'); assert opened == [], opened\n"
        "    library.search('a red photo'); assert opened == ['text.onnx'], opened\n"
        "    library.search('text:\"a dog\">=0'); assert opened == ['text.onnx'], opened\n"
        "    photo = next(library.inputs())\n"
        "    library.search(ls.like(id=photo.id)); assert opened == ['text.onnx'], opened\n"
        "    library.predict(data=open(sys.argv[3], 'rb').read())\n"
        "    assert opened == ['text.onnx', 'image.onnx'], opened\n"
        "with ls.open(sys.argv[1]) as library:\n"
        "    library.predict(data=open(sys.argv[3], 'rb').read())\n"
        "    assert opened[2:] == ['image.onnx'], opened\n"
        "with ls.open(sys.argv[1], one_shot=True) as library:\n"
        "    library.search('a red photo')\n"
        "assert packed == [True, None, None, False], packed\n"
    )
    other = tmp_path / "other.png"
    write_photo(other, 5)
    arguments = [str(folder), str(clip_pack_folder()), str(other)]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
