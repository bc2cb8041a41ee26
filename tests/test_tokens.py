"""Token ids are those of open_clip: by a golden file, and live where open_clip is installed."""

from __future__ import annotations

import functools
import html
import importlib.util
import json
import lzma
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from localsearch.encoders.tokens import CLEANING, Tokenizer, open_tokenizer
from localsearch.encoders.tokens import _words_of as words_of
from localsearch.errors import PackDamaged
from localsearch.pack.manifest import NetworkSpec
from localsearch.pack.specs import CLEANINGS
from tests.exact.strings import COUNT, strings

EXACT = Path(__file__).parent / "exact"
GOLDEN = json.loads((EXACT / "tokens.json").read_text(encoding="utf-8"))
CLIP = NetworkSpec(
    network="text.onnx",
    input="tokens",
    vector="vector",
    tokenizer="clip",
    context=77,
    pad=0,
    begin=None,
    end=None,
    clean="lower",
    logit_scale=None,
    logit_bias=None,
)


@pytest.fixture(scope="module")
def merges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "bpe_merges.txt"
    path.write_bytes(lzma.decompress((EXACT / "merges.txt.xz").read_bytes()))
    return path


@functools.cache
def texts() -> list[str]:
    return strings()


def rows(tokenizer: Tokenizer) -> np.ndarray:
    return np.stack([tokenizer(text) for text in texts()])


def test_the_texts_are_varied_and_many() -> None:
    found = texts()
    assert len(found) == COUNT and len(set(found)) > 0.95 * COUNT
    assert "" in found and max(map(len, found)) >= 30_000
    signs = set().union(*map(set, found))
    assert len(signs) > 4_000 and {"\x00", "犬", "🐶", "\u200d", "\u0130"} <= signs
    assert strings(50) == found[:50]


@pytest.mark.parametrize("clean", sorted(GOLDEN["digests"]))
def test_ids_are_those_that_open_clip_gave(merges: Path, clean: str) -> None:
    found = rows(open_tokenizer(merges, CLIP._replace(clean=clean))).astype("<i8")
    part = GOLDEN["part"]
    for number, expected in enumerate(GOLDEN["digests"][clean]):
        ids = found[number * part : (number + 1) * part]
        assert blake3(ids.tobytes()).hexdigest()[:16] == expected, f"of texts from {number * part}"


@pytest.mark.skipif(
    importlib.util.find_spec("open_clip") is None, reason="open_clip is not installed"
)
@pytest.mark.parametrize("clean", sorted(GOLDEN["digests"]))
def test_ids_are_those_that_open_clip_gives_here(merges: Path, clean: str) -> None:
    from open_clip.tokenizer import SimpleTokenizer

    theirs = SimpleTokenizer(clean=clean)(texts()).numpy()
    ours = rows(open_tokenizer(merges, CLIP._replace(clean=clean)))
    wrong = np.flatnonzero((ours != theirs).any(axis=1))
    assert [texts()[number][:80] for number in wrong] == []


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="&")))
def test_of_plain_text_nothing_is_mended(text: str) -> None:
    """What is left out for its sake, two imports, would have changed nothing."""
    import ftfy
    import regex

    assert ftfy.fix_text(text) == text == html.unescape(text)
    pattern = (
        r"<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    )
    for one in (text, CLEANING["lower"](text)):
        assert words_of(one) == regex.findall(pattern, one, regex.IGNORECASE)


def test_a_plain_query_loads_neither_package(merges: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from localsearch.pack.manifest import NetworkSpec;"
        "from localsearch.encoders.tokens import open_tokenizer;"
        "spec = NetworkSpec('', '', '', 'clip', 77, 0, None, None, 'lower', None, None);"
        "tokens = open_tokenizer(Path(sys.argv[1]), spec); tokens('two dogs, 3 cats');"
        "assert not {'ftfy', 'regex'} & set(sys.modules); tokens('犬');"
        "assert {'ftfy', 'regex'} <= set(sys.modules)"
    )
    root = Path(__file__).resolve().parents[1]
    subprocess.run([sys.executable, "-c", code, str(merges)], check=True, cwd=root)


def test_what_a_row_is_made_of(merges: Path) -> None:
    tokens = open_tokenizer(merges, CLIP)
    begin, end = 49406, 49407
    row = tokens("a photo of a dog")
    assert (row.dtype, row.shape) == (np.int64, (77,))
    assert row.tolist() == [begin, 320, 1125, 539, 320, 1929, end, *[0] * 70]
    assert tokens("").tolist() == [begin, end, *[0] * 75]
    full = tokens("dog " * 100).tolist()
    assert (full[0], full[-1], set(full[1:-1])) == (begin, end, {1929})
    short = open_tokenizer(merges, CLIP._replace(context=5, pad=7))
    assert short("dog").tolist() == [begin, 1929, end, 7, 7]
    assert short("a photo of a dog").tolist() == [begin, 320, 1125, 539, end]


def test_ids_of_the_manifest_count_where_it_has_some(merges: Path) -> None:
    row = open_tokenizer(merges, CLIP._replace(begin=1, end=2))("dog")
    assert row[:4].tolist() == [1, 1929, 2, 0]


def test_what_was_asked_before_changes_nothing(merges: Path) -> None:
    asked = texts()[:400]
    one, other = (open_tokenizer(merges, CLIP) for _ in range(2))
    forwards = [one(text).tolist() for text in asked]
    backwards = [other(text).tolist() for text in reversed(asked)]
    assert forwards == backwards[::-1]


def test_a_word_of_a_megabyte_takes_seconds(merges: Path) -> None:
    tokens = open_tokenizer(merges, CLIP)
    took = dict[int, float]()
    for length in (50_000, 200_000):
        word = "".join(map(chr, 97 + np.random.default_rng(length).integers(0, 26, length)))
        began = time.perf_counter()
        tokens(word)
        took[length] = time.perf_counter() - began
    assert took[200_000] < 10 * took[50_000], took  # 16 times where each merge looks at all


def test_every_way_of_cleaning_is_there() -> None:
    assert set(CLEANING) == set(CLEANINGS)
    assert CLEANING["clip"] is CLEANING["lower"]
    assert CLEANING["canonicalize"](" A_b, &amp;C!\n{} ") == "a b c"
    assert CLEANING["lower"](" A_b, &amp;amp;C!\n{} ") == "a_b, &c! {}"
    assert CLEANING["whitespace"]("Don\u2019t \u00a0 SHOUT") == "Don't SHOUT"


@pytest.mark.parametrize("content", [b"", b"a\n", b"a b c\n", b" b\n", b"a b\n\n", b"\xff b\n"])
def test_a_list_of_merges_that_is_none_is_damage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "merges.txt").write_bytes(content)
    with pytest.raises(PackDamaged, match=r"merges\.txt"):
        open_tokenizer(tmp_path / "merges.txt", CLIP)
    with pytest.raises(PackDamaged, match=r"absent\.txt"):
        open_tokenizer(tmp_path / "absent.txt", CLIP)
