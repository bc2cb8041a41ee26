"""Models of OpenCLIP become packs: with small architectures of our own here, real ones when long.

Weights are seeded: what is tested is that a pack gives what torch gives, not what it finds.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from localsearch.errors import DependencyMissing, InputError, PackError
from localsearch.packs.export.models import pack_name
from localsearch.packs.export.precision import PRECISIONS, check_precision
from localsearch.packs.export.terms import UNKNOWN, terms_of

HOUSE = Path(__file__).resolve().parents[1]
SMALL = {
    "small-vit": {
        "embed_dim": 48,
        "vision_cfg": {
            "image_size": 48,
            "layers": 2,
            "width": 64,
            "head_width": 32,
            "patch_size": 8,
        },
        "text_cfg": {"width": 64, "heads": 2, "layers": 2},
    },
    "small-rn": {
        "embed_dim": 64,
        "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
        "text_cfg": {"width": 64, "heads": 2, "layers": 2},
    },
    "small-siglip": {
        "embed_dim": 48,
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": {
            "image_size": 48,
            "layers": 2,
            "width": 64,
            "head_width": 32,
            "patch_size": 8,
        },
        "text_cfg": {
            "context_length": 32,
            "vocab_size": 2000,
            "hf_tokenizer_name": "nobody/small-siglip",
            "tokenizer_kwargs": {"clean": "canonicalize"},
            "width": 48,
            "heads": 2,
            "layers": 2,
            "no_causal_mask": True,
            "proj_bias": True,
            "pool_type": "last",
        },
    },
}


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("ViT-B-32", "clip-vit-b32"),
        ("ViT-B-32-256", "clip-vit-b32-256"),
        ("ViT-L-14", "clip-vit-l14"),
        ("RN50", "clip-rn50"),
        ("MobileCLIP2-S2", "mobileclip2-s2"),
        ("ViT-B-16-SigLIP", "vit-b16-siglip"),
        ("ViT-SO400M-14-SigLIP2-378", "vit-so400m14-siglip2-378"),
    ],
)
def test_packs_are_named_after_their_model(title: str, name: str) -> None:
    assert pack_name(title) == name


def test_a_precision_is_one_of_three() -> None:
    for word in PRECISIONS:
        check_precision(word)
    with pytest.raises(InputError, match="int4"):
        check_precision("int4")


def test_terms_are_told_or_told_to_be_unknown() -> None:
    assert terms_of("ViT-B-32", "laion2b_s34b_b79k").licence == "MIT"
    assert terms_of("ViT-B-16-SigLIP2", "webli").licence == "Apache-2.0"
    assert "Apple" in terms_of("MobileCLIP2-S0", "dfndr2b").licence
    assert terms_of("ViT-B-32", "/home/me/mine.pt").licence == UNKNOWN
    assert terms_of("ViT-B-32", "").licence == "CC0-1.0"


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from localsearch.packs import ExportOptions, export_pack

    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(DependencyMissing) as caught:
        export_pack("ViT-B-32", ExportOptions(out=tmp_path, random_seed=1))
    assert "localsearch[export]" in caught.value.hint


@pytest.fixture(scope="module")
def open_clip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """open_clip, which knows our small architectures too."""
    for name in ("open_clip", "torch", "onnx"):
        pytest.importorskip(name, reason=f"{name} of the extra `export` is not installed")
    import open_clip

    folder = tmp_path_factory.mktemp("models")
    for name, config in SMALL.items():
        (folder / f"{name}.json").write_text(json.dumps(config), encoding="utf-8")
    open_clip.add_model_config(folder)
    return open_clip


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text("dog\tpuppy\ncat\nsnow\n", encoding="utf-8")
    return path


def export(title: str, out: Path, words: Path, **options: Any) -> Any:
    from benchmarks.architectures import small_tokenizer
    from localsearch.packs import ExportOptions, export_pack

    if "siglip" in title and "tokenizer" not in options:
        options["tokenizer"] = small_tokenizer(out.with_name("small.model"))
    asked = {"random_seed": 5, "vocabulary": words, "out": out, **options}
    return export_pack(title, ExportOptions(**asked))


@pytest.mark.parametrize("title", SMALL)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_an_exported_pack_lives(
    open_clip: Any, tmp_path: Path, words: Path, title: str, precision: str
) -> None:
    """Proved against torch, verified, and a library over it finds each photo by itself."""
    from benchmarks.architectures import used
    from localsearch.pack.load import load_pack

    made = export(title, tmp_path / "out", words, precision=precision)
    least = {"fp32": 0.9999, "fp16": 0.999, "int8": 0.95}[precision]
    assert min(made.cosines) >= least and made.apart < 1e-5
    pack = load_pack(made.folder, check="whole")
    assert pack.name == pack_name(title) == made.folder.name
    assert pack.manifest.provisional and made.provisional
    assert pack.text is not None and pack.text.network is not None
    assert pack.text.network.cut == (title != "small-siglip")
    assert (pack.text.network.logit_bias is not None) == (title == "small-siglip")
    assert [one.name for one in pack.vocabulary.concepts] == ["dog", "cat", "snow"]
    count, right = used(made.folder, tmp_path)
    assert right == count == 15
    assert sorted(one.name for one in made.folder.parent.glob("[!.]*")) == [made.name]


def test_smaller_precisions_are_smaller(open_clip: Any, tmp_path: Path, words: Path) -> None:
    sizes = [
        export("small-vit", tmp_path / word, words, precision=word).bytes for word in PRECISIONS
    ]
    assert sizes[0] > 1.7 * sizes[1] > 1.7 * sizes[2]


def test_a_checkpoint_gives_the_same_pack(open_clip: Any, tmp_path: Path, words: Path) -> None:
    """The weights of a seed saved to a file, and exported from it."""
    import torch

    from localsearch.pack.load import load_pack
    from localsearch.packs.export.models import open_model

    torch.save(
        open_model("small-vit", "", 5).network.state_dict(), checkpoint := tmp_path / "it.pt"
    )
    seeded = export("small-vit", tmp_path / "seed", words)
    loaded = export("small-vit", tmp_path / "file", words, pretrained=str(checkpoint))
    one, other = load_pack(seeded.folder), load_pack(loaded.folder)
    assert one.golden == other.golden
    assert one.encoder_digest == other.encoder_digest
    part = other.parts[0]
    assert part.licence == UNKNOWN and str(checkpoint) in part.source


def test_concepts_are_the_mean_of_their_prompts(
    open_clip: Any, tmp_path: Path, words: Path
) -> None:
    """Compared with open_clip itself: its tokenizer, its model."""
    import torch

    from localsearch.packs.export.models import open_model
    from localsearch.packs.vocabulary import PROMPTS

    made = export("small-vit", tmp_path / "out", words)
    model = open_model("small-vit", "", 5).network
    tokens = open_clip.get_tokenizer("small-vit")
    with torch.no_grad():
        texts = tokens([prompt.format("snow") for prompt in PROMPTS])
        mean = model.encode_text(texts, normalize=True).mean(dim=0).numpy()
    row = np.load(made.folder / "probes.npy")[2]
    assert row[-1] == 0.0
    assert float(row[:-1] @ (mean / np.linalg.norm(mean))) > 0.99999


def test_the_whole_vocabulary_and_a_classifier_beside(open_clip: Any, tmp_path: Path) -> None:
    import localsearch as ls
    from localsearch.pack import find_pack, load_pack
    from localsearch.packs.calibrate import demo_photos

    made = export("small-vit", tmp_path / "out", None, with_classifier="general")  # type: ignore[arg-type]
    pack, general = load_pack(made.folder), load_pack(find_pack("general"))
    assert pack.vocabulary.ids == general.vocabulary.ids
    assert pack.classes == general.classes and pack.dimensions == 48
    with ls.open(store=tmp_path / "store", roots={"p": demo_photos()}, pack=str(made.folder)) as it:
        it.sync()
        best = it.search(ls.concept("red panda")).hits[0]
    assert best.path is not None and best.path.name == "red-panda.jpg"  # a class: general's own


def test_a_tower_that_is_not_what_torch_computes_is_refused(open_clip: Any, tmp_path: Path) -> None:
    import torch

    from localsearch.packs.export import parity, towers
    from localsearch.packs.export.models import open_model

    model = open_model("small-vit", "", 5)
    towers.export_image_tower(model, path := tmp_path / "image.onnx")
    pixels = np.random.default_rng(1).normal(size=(4, 3, 48, 48)).astype(np.float32)

    def compared() -> parity.Parity:
        expected = towers.image_vectors(model, pixels)
        return parity.compare("image", path, "pixels", pixels, list(pixels), expected)[0]

    parity.refuse(compared(), "fp32")
    with torch.no_grad():  # torch's side drifts a little
        model.network.visual.proj += 0.005 * torch.randn(model.network.visual.proj.shape)
    off = compared()
    assert 0.99 < off.least < 0.9999
    with pytest.raises(PackError, match="image tower in fp32"):
        parity.refuse(off, "fp32")
    parity.refuse(off, "int8")
    with pytest.raises(PackError, match="not what torch"):
        parity.refuse(off._replace(least=0.94), "int8")
    with pytest.raises(PackError):
        parity.refuse(off._replace(least=float("nan")), "int8")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"pretrained": "laion9b"}, "neither a file nor weights"),
        ({"random_seed": None}, "no weights were named"),
        ({"precision": "int4"}, "no precision"),
        ({"vocabulary": Path("nowhere.txt")}, "nowhere.txt"),
        ({"name": "Bad Name"}, "no name of a pack"),
        ({"calibrate": Path("nowhere")}, "no folder"),
    ],
)
def test_what_cannot_be_exported_leaves_nothing(
    open_clip: Any, tmp_path: Path, words: Path, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        export("small-vit", tmp_path / "out", words, **options)
    left = [one for one in (tmp_path / "out").rglob("*") if one.is_file() and one.suffix != ".lock"]
    assert left == []


def test_a_model_that_nobody_knows(open_clip: Any, tmp_path: Path, words: Path) -> None:
    with pytest.raises(InputError, match="no model 'ViT-B-33'") as caught:
        export("ViT-B-33", tmp_path / "out", words)
    assert "ViT-B-32" in caught.value.hint


def test_a_checkpoint_that_is_none(open_clip: Any, tmp_path: Path, words: Path) -> None:
    wrong = tmp_path / "wrong.pt"
    wrong.write_bytes(b"no weights")
    with pytest.raises(PackError, match="cannot make small-vit"):
        export("small-vit", tmp_path / "out", words, pretrained=str(wrong))


def test_a_pack_is_not_overwritten(open_clip: Any, tmp_path: Path, words: Path) -> None:
    made = export("small-vit", tmp_path / "out", words)
    before = (made.folder / "pack.toml").read_bytes()
    with pytest.raises(InputError, match="already"):
        export("small-vit", tmp_path / "out", words, random_seed=6)
    assert (made.folder / "pack.toml").read_bytes() == before
    assert export("small-vit", tmp_path / "out", words, name="other").name == "other"


def test_a_tokenizer_of_too_many_pieces(open_clip: Any, tmp_path: Path, words: Path) -> None:
    from tests.packs.clip_pack import sentence_model

    texts = [
        f"{a}{b}{c} {c}{a} {b}{b}{a}" for a in "bcdfghklm" for b in "aeiou" for c in "nprstvxz"
    ]
    (large := tmp_path / "large.model").write_bytes(
        sentence_model(texts * 3, vocab_size=4000, model_type="bpe", split_by_whitespace=False)
    )
    (wrong := tmp_path / "wrong.model").write_bytes(b"none")
    for file, told in ((wrong, "cannot be read"), (large, "the number")):
        with pytest.raises(PackError, match=told):
            export("small-siglip", tmp_path / "out", words, tokenizer=file)


def test_the_command(open_clip: Any, tmp_path: Path, words: Path) -> None:
    """By the program itself, into the place of the user's own packs; then fitted to photos."""
    from localsearch.cli.main import run
    from localsearch.packs.calibrate import demo_photos

    line = ["packs", "export", "small-vit", "--random-seed", "3", "--vocabulary", str(words)]
    assert run([*line, "--name", "clip-small"]) == 0
    assert run(["packs", "show", "clip-small"]) == 0
    assert run(["packs", "calibrate", "clip-small", str(demo_photos())]) == 0
    assert run(["packs", "verify", "clip-small"]) == 0
    assert run(["packs", "remove", "clip-small", "--yes"]) == 0


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("model", ["ViT-B-32", "RN50", "MobileCLIP-S1", "ViT-B-16-SigLIP"])
def test_real_architectures(open_clip: Any, model: str) -> None:
    """A row of `python -m benchmarks.architectures`, in a process that gives its memory back."""
    command = [sys.executable, "-m", "benchmarks.architectures", "--one", model]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HOUSE, check=False)
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout.strip().splitlines()[-1])
    assert min(float(row["image"]), float(row["text"])) >= 0.9999
    assert float(row["apart"]) < 1e-5 and row["themselves"] == "15 of 15"
