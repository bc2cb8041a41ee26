"""A complete small pack of format 3 with two real ONNX towers, which need not be downloaded.

The image tower takes 40 x 40 pixels, averages them over a 4 x 4 grid, turns the 48 averages by a
fixed random matrix: like pictures have like vectors. The text tower sums a row of each token: the
row of a colour's name is the vector of a picture of that colour, so "a red photo" finds red photos.
Tokens are CLIP's (a byte pair encoding learned from the words below) or those of a SentencePiece
model of the same words. Concepts are zero-shot: rows of `probes.npy` are vectors of their names.
Both towers normalise and take any batch. Same arguments, same bytes.
"""

from __future__ import annotations

import functools
import io
import itertools
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from localsearch.encoders.tokens import open_tokenizer
from localsearch.pack import digests
from localsearch.pack.manifest import NetworkSpec
from tests.tiny_pack import COLOURS, GRID, _npy, _part, _toml, golden_pixels
from tests.tiny_pack import SIZE as CLASSIFIER_SIZE

SIZE = 40
CONTEXT = 16
STOP_WORDS = ("a", "an", "the", "of", "in", "on", "at", "and", "with")
WORDS = ("photo", "picture", "dog", "dogs", "snow", "night", "playing", "two", "sea", "grass")
CONCEPTS = (
    *((f"c-{name.replace(' ', '-')}", name, synonyms) for name, _, synonyms, _ in COLOURS),
    ("c-dog", "dog", ("puppy",)),
    ("c-snow", "snow", ()),
    ("c-night", "night", ("night-time",)),
)
TEXT_MAP = [[-1.0, 0.0], [0.1, 0.3], [0.3, 0.9], [1.0, 1.0]]
VISUAL_MAP = [[-1.0, 0.0], [0.1, 0.35], [0.9, 0.95], [1.0, 1.0]]


def make_clip_pack(
    folder: Path,
    *,
    seed: int = 0,
    dimensions: int = 24,
    name: str = "clip-tiny",
    version: int = 1,
    tokenizer: str = "clip",
    fit: str = "crop",
    long_side: str = "floor",
    classifier: bool = False,
    provisional: bool = True,
    padding: int = 0,
    cut: bool = False,
) -> Path:
    """Write the pack into `folder` (made if absent) and return it.

    `seed`, `dimensions`, `fit` and `long_side` change the encoder, so both digests; `version`
    changes the calibration and the number, so the pack digest only. With `classifier` the colours
    are classes of a second network, that of the tiny pack, and dog, snow and night zero-shot. Both
    towers grow by `padding` bytes that nothing reads: a store keeps no copy of large ones. With
    `cut` the text tower takes rows that end with their last token.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files, spec = _tokenizer(tokenizer)
    for file, data in files.items():
        (folder / file).write_bytes(data)
    tokens = open_tokenizer(folder / spec["tokens"], _network_spec(spec))
    image = _image_tower(seed, dimensions, padding)
    text = _text_tower(image, tokens, seed, dimensions, padding)
    cuts = {"cut": True} if cut else {}
    files |= {"image.onnx": image, "text.onnx": text}
    concepts = CONCEPTS[len(COLOURS) :] if classifier else CONCEPTS
    table = "id\tname\tsynonyms\tparents\toutput\tdefinition\n"
    if classifier:
        from tests.tiny_pack import PROBES, _network, _palette, _table

        classes = _palette(len(COLOURS))
        files["classifier.onnx"] = _network(classes, seed, 32).SerializeToString(deterministic=True)
        lines = _table(len(COLOURS), ()).splitlines(keepends=True)
        table = "".join(lines[: len(lines) - len(PROBES)])
    for number, (id, concept, synonyms) in enumerate(concepts):
        table += f"{id}\t{concept}\t{'|'.join(synonyms)}\t\tprobe:{number}\t{concept} seen\n"
    files["concepts.tsv"] = table.encode("utf-8")
    files["calibration.npy"] = _npy(_calibration(table.count("\n") - 1, len(concepts), version))
    rows = [_text_vector(text, tokens(f"a photo of a {each}")) for _, each, _ in concepts]
    probes = np.concatenate([np.array(rows), np.zeros((len(rows), 1))], axis=1)
    files["probes.npy"] = _npy(probes.astype(np.float32))
    files["text_decoys.npy"] = _npy(_decoys(seed, dimensions))
    for file, data in files.items():
        (folder / file).write_bytes(data)
    manifest: dict[str, Any] = {
        "format": 3,
        "name": name,
        "version": version,
        "summary": "two towers, for tests",
        "licence": "CC0-1.0",
        "image": _image_section(dimensions, fit, long_side),
        "concepts": {
            "table": "concepts.tsv",
            "calibration": "calibration.npy",
            "temperature": 1.0,
            "provisional": provisional,
        },
        "probes": {"weights": "probes.npy"},
        "scores": {"visual": VISUAL_MAP, "text": TEXT_MAP},
        "text": {**_text_section(provisional), **spec, **cuts},
        "golden": _golden(image, files.get("classifier.onnx")),
        "golden_text": _golden_text(text, tokens),
        "parts": [
            _part("network", True, ["image.onnx", *(["classifier.onnx"] if classifier else [])]),
            _part("concepts", True, ["concepts.tsv", "calibration.npy", "probes.npy"]),
            _part("text", False, ["text.onnx", "text_decoys.npy", spec["tokens"]]),
        ],
    }
    if classifier:
        manifest["classifier"] = {
            **_image_section(0, "crop", "round"),
            "network": "classifier.onnx",
            "size": CLASSIFIER_SIZE,
            "resize": CLASSIFIER_SIZE + 4,
            "logits": "logits",
            "classes": len(COLOURS),
        }
        for key in ("vector", "dimensions"):
            del manifest["classifier"][key]
    return write_manifest(folder, manifest, sorted(files))


def write_manifest(folder: Path, manifest: dict[str, Any], files: list[str]) -> Path:
    """Write pack.toml with the digests of `files` and those of all; gives the folder.

    What is to stand in [golden.text] is in `golden_text`.
    """
    import tomllib

    blank = {"encoder_digest": "", "pack_digest": ""}
    entries = {
        name: {
            "bytes": (folder / name).stat().st_size,
            "blake3": digests.file_digest(folder / name),
        }
        for name in files
    }
    text = _toml({**manifest, **blank, "files": entries})
    raw = tomllib.loads(text.replace("[golden_text]", "[golden.text]"))
    found = {
        "encoder_digest": digests.encoder_digest(raw),
        "pack_digest": digests.pack_digest(raw),
    }
    for key, value in found.items():
        text = text.replace(f'{key} = ""', f'{key} = "{value}"')
    text = text.replace("[golden_text]", "[golden.text]")
    (folder / "pack.toml").write_text(text, encoding="utf-8", newline="\n")
    (folder / "MODEL_CARD.md").write_text("# A pack for tests\n", encoding="utf-8")
    return folder


@functools.lru_cache(maxsize=4)
def clip_pack_folder(*, classifier: bool = False, tokenizer: str = "clip") -> Path:
    """A default pack, made once per test process."""
    _KEEP.append(tempfile.TemporaryDirectory(prefix="clip-pack-"))
    folder = Path(_KEEP[-1].name) / "clip-tiny"
    return make_clip_pack(folder, classifier=classifier, tokenizer=tokenizer)


_KEEP: list[tempfile.TemporaryDirectory[str]] = []


def merges_of(words: list[str]) -> list[tuple[str, str]]:
    """The merges of a byte pair encoding that makes each of some ASCII words one piece."""
    texts = [[*word[:-1], word[-1] + "</w>"] for word in dict.fromkeys(words)]
    found = list[tuple[str, str]]()
    while any(len(pieces) > 1 for pieces in texts):
        pairs = Counter(pair for pieces in texts for pair in itertools.pairwise(pieces))
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        found.append(best)
        for pieces in texts:
            at = 0
            while at < len(pieces) - 1:
                if (pieces[at], pieces[at + 1]) == best:
                    pieces[at : at + 2] = ["".join(best)]
                at += 1
    return found


def sentence_model(sentences: list[str], **options: object) -> bytes:
    """A SentencePiece model of the kind that SigLIP has, learned from some sentences."""
    import sentencepiece

    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=made,
        minloglevel=2,
        **{
            "vocab_size": 200,
            "hard_vocab_limit": False,
            "pad_id": 0,
            "eos_id": 1,
            "unk_id": 2,
            "bos_id": -1,
            "num_threads": 1,
            **options,
        },
    )
    return made.getvalue()


def _tokenizer(kind: str) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of a tokenizer, and what [text] says of it."""
    names = [name for name, *_ in COLOURS] + [name for _, name, _ in CONCEPTS]
    words = [*STOP_WORDS, *WORDS, *(word for name in names for word in name.split())]
    if kind == "clip":
        merges = "".join(f"{first} {second}\n" for first, second in merges_of(words))
        return {"bpe_merges.txt": merges.encode("ascii")}, {
            "tokenizer": "clip",
            "tokens": "bpe_merges.txt",
            "clean": "lower",
        }
    sentences = [f"a photo of {one} with the {other}" for one in words for other in words]
    return {"tokenizer.model": sentence_model(sentences)}, {
        "tokenizer": "sentencepiece",
        "tokens": "tokenizer.model",
        "clean": "canonicalize",
        "end": 1,
        "pad": 1,
    }


def _network_spec(spec: dict[str, Any]) -> NetworkSpec:
    return NetworkSpec(
        network="text.onnx",
        input="tokens",
        vector="vector",
        tokenizer=spec["tokenizer"],
        context=CONTEXT,
        pad=spec.get("pad", 0),
        begin=None,
        end=spec.get("end"),
        clean=spec["clean"],
        logit_scale=None,
        logit_bias=None,
    )


def _image_section(dimensions: int, fit: str, long_side: str) -> dict[str, Any]:
    return {
        "network": "image.onnx",
        "input": "pixels",
        "size": SIZE,
        "resize": SIZE,
        "interpolation": "bicubic",
        "mean": [127.0, 127.0, 127.0],
        "std": [128.0, 128.0, 128.0],
        "vector": "vector",
        "dimensions": dimensions,
        "fit": fit,
        "long_side": long_side,
    }


def _text_section(provisional: bool) -> dict[str, Any]:
    return {
        "kind": "network",
        "network": "text.onnx",
        "input": "tokens",
        "vector": "vector",
        "context": CONTEXT,
        "pad": 0,
        "stop_words": list(STOP_WORDS),
        "decoys": "text_decoys.npy",
        "concept_weight": 0.1,
        "floor_spreads": 0.5,
        "floor_doubt": 0.25,
        "floor_known": 0.3,
        "floor_least": 0.0,
        "floor_enough": 0.7,
        "provisional": provisional,
        "logit_scale": 100.0,
    }


def _image_tower(seed: int, dimensions: int, padding: int) -> bytes:
    """Average pool over a grid -> turned and normalised."""
    cells = 3 * GRID * GRID
    turn = np.random.default_rng(seed).normal(size=(max(cells, dimensions),) * 2)
    constants = {
        "turn": np.linalg.qr(turn)[0][:cells, :dimensions],
        "away_from_zero": np.full(dimensions, 0.02),  # a grey picture still has a direction
    }
    side = SIZE // GRID
    nodes = [
        helper.make_node(
            "AveragePool", ["pixels"], ["pooled"], kernel_shape=[side, side], strides=[side, side]
        ),
        helper.make_node("Flatten", ["pooled"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "turn", "away_from_zero"], ["turned"]),
        helper.make_node("LpNormalization", ["turned"], ["vector"], axis=1, p=2),
    ]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])
    return _model(nodes, pixels, constants, dimensions, padding)


def _text_tower(image: bytes, tokens: Any, seed: int, dimensions: int, padding: int) -> bytes:
    """A row of a table for each token -> summed and normalised."""
    names = {name: colour for name, colour, _, _ in COLOURS}
    every = [*STOP_WORDS, *WORDS, *names, *(name for _, name, _ in CONCEPTS)]
    count = 1 + max(int(tokens(each).max()) for each in (*every, "\x00\x7f", "<end_of_text>"))
    generator = np.random.default_rng(seed + 1)
    rows = 0.3 * generator.normal(size=(max(count, 256), dimensions))
    for word in WORDS:
        rows[_first(tokens, word)] *= 10
    for word in STOP_WORDS:
        rows[_first(tokens, word)] *= 0.1
    for name, colour in names.items():
        pixels = np.broadcast_to(np.array(colour, np.uint8), (SIZE, SIZE, 3))
        rows[_first(tokens, name.split()[-1])] = 12 * run_image(image, pixels)
    # What every text holds says nothing: beginning, end and padding.
    common = np.intersect1d(tokens("dog"), tokens("night"))
    rows[common] = 0.02
    nodes = [
        helper.make_node("Gather", ["rows", "tokens"], ["each"], axis=0),
        helper.make_node("ReduceSum", ["each", "along"], ["sum"], keepdims=0),
        helper.make_node("LpNormalization", ["sum"], ["vector"], axis=1, p=2),
    ]
    ids = helper.make_tensor_value_info("tokens", TensorProto.INT64, ["n", "tokens"])
    along = np.array([1], np.int64)
    return _model(nodes, ids, {"rows": rows, "along": along}, dimensions, padding)


def _first(tokens: Any, word: str) -> int:
    """The first token of a word that no other word has too: not the beginning of all texts."""
    common = {int(one) for one in np.intersect1d(tokens("dog"), tokens("night"))}
    return next(int(one) for one in tokens(word) if int(one) not in common)


def _model(
    nodes: list[onnx.NodeProto],
    input: onnx.ValueInfoProto,
    constants: dict[str, npt.NDArray[Any]],
    dimensions: int,
    padding: int,
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [input],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", dimensions])],
        [
            numpy_helper.from_array(v if v.dtype == np.int64 else v.astype(np.float32), k)
            for k, v in constants.items()
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8, producer_name="tests")
    model.doc_string = " " * padding
    return model.SerializeToString(deterministic=True)


def run_image(network: bytes, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The vector of one picture of the image tower's size."""
    scaled = (pixels.astype(np.float32) - 127.0) / 128.0
    batch = np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])
    found: npt.NDArray[np.float32] = _run(network, {"pixels": batch}, "vector")
    return found


def _text_vector(network: bytes, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    return _run(network, {"tokens": tokens[None]}, "vector")


def _run(network: bytes, feed: dict[str, Any], output: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    return session.run([output], feed)[0][0]


def _golden(image: bytes, classifier: bytes | None) -> dict[str, Any]:
    one, other = (run_image(image, golden_pixels(seed, SIZE)) for seed in (1, 2))
    found = {
        "seed": 1,
        "vector": [round(float(x), 6) for x in one[:16]],
        "alike": round(float(one @ other), 6),
    }
    if classifier is not None:
        pixels = (golden_pixels(1, CLASSIFIER_SIZE).astype(np.float32) - 127.0) / 128.0
        feed = {"pixels": np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])}
        logits = _run(classifier, feed, "logits")
        found["top"] = [int(x) for x in np.argsort(-logits, kind="stable")[:5]]
    return found


def _golden_text(network: bytes, tokens: Any) -> dict[str, Any]:
    text = "a photo of a dog"
    vector = _text_vector(network, tokens(text))
    return {
        "text": text,
        "tokens": tokens(text).tolist(),
        "vector": [round(float(x), 6) for x in vector[:16]],
    }


def _calibration(concepts: int, probes: int, version: int) -> npt.NDArray[np.float32]:
    """Scale, offset and floor: a cosine of 0.5 is even odds."""
    rows = np.empty((concepts, 3), dtype=np.float32)
    rows[:, 0], rows[:, 1] = 1.0, 0.0
    rows[concepts - probes :, 0], rows[concepts - probes :, 1] = 14.0, -7.0
    rows[:, 1] += 0.1 * (version - 1)
    rows[:, 2] = 0.05
    return rows


def _decoys(seed: int, dimensions: int) -> npt.NDArray[np.float16]:
    found = np.random.default_rng(seed + 2).normal(size=(16, dimensions))
    return (found / np.linalg.norm(found, axis=1)[:, None]).astype(np.float16)
