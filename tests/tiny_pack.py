"""A complete small pack with a real ONNX network, and seeded pictures that suit it.

The network takes 32 x 32 pixels and averages them over a 4 x 4 grid. Its classes are colours: the
logits are a linear form of the mean colour whose softmax favours the nearest one, so a mostly red
picture is "red", and "warm" by its ancestors. Its vector is a fixed random turn of the 48 averages,
so like pictures have like vectors. Its text part knows some forty words; those of colours mean the
second half of the vector of a picture of that colour. Same arguments, same bytes.
"""

from __future__ import annotations

import functools
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from localsearch.pack import digests

SIZE = 32
RESIZE = 36
GRID = 4
COLOURS: tuple[tuple[str, tuple[int, int, int], tuple[str, ...], tuple[str, ...]], ...] = (
    # name, RGB, synonyms, ids of parents
    ("red", (210, 40, 40), ("scarlet", "crimson"), ("t-warm",)),
    ("orange", (235, 140, 40), (), ("t-warm",)),
    ("yellow", (230, 220, 60), ("canary",), ("t-warm", "t-light")),
    ("green", (50, 170, 60), ("emerald green",), ("t-cool",)),
    ("cyan", (60, 200, 210), ("turquoise",), ("t-cool", "t-light")),
    ("sky blue", (40, 70, 210), ("azure", "Cerulean"), ("t-cool",)),
    ("violet", (140, 60, 200), ("purple",), ("t-cool", "t-warm")),
    ("pink", (240, 150, 190), (), ("t-warm", "t-light")),
    ("brown", (120, 75, 40), ("umber",), ("t-warm", "t-dark")),
    ("white", (245, 245, 245), (), ("t-light",)),
    ("black", (15, 15, 15), ("jet-black",), ("t-dark",)),
    ("grey", (127, 127, 127), ("gray",), ("t-colour",)),
)
ANCESTORS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    # id, name, synonyms, parents; in the order of the ids, as the format wants it
    ("t-colour", "colour", ("color",), ()),
    ("t-cool", "cool colour", ("cold colour",), ("t-hue",)),
    ("t-dark", "dark", (), ("t-colour",)),
    ("t-hue", "hue", (), ("t-colour",)),
    ("t-light", "light", ("bright",), ("t-colour",)),
    ("t-warm", "warm colour", ("hot colour",), ("t-hue", "t-colour")),
)
PROBES = (("p-outdoors", "outdoors", ("outside",)), ("p-people", "people", ("persons",)))
REFINED = ("t0003", "t-warm")
INPUTS = ("3 5", "0 1 2 7 8", "9")  # classes, a set a line
STOP_WORDS = ("a", "an", "and", "any", "at", "in", "is", "of", "on", "the", "through", "to", "with")
WORDS = (
    *("night", "dog", "dogs", "running", "playing", "snow", "two", "sea", "water", "grass", "big"),
    *("photo", "picture", "people", "nobody", "blue", "sky", "dark", "light", "sun"),
    *("##set", "##s"),
)
TEXT_MAP = [[-1.0, 0.0], [0.1, 0.3], [0.3, 0.9], [1.0, 1.0]]


def make_tiny_pack(
    folder: Path,
    *,
    seed: int = 0,
    dimensions: int = 32,
    classes: int = 12,
    version: int = 1,
    text: bool = True,
    refined: bool = False,
) -> Path:
    """Write the pack into `folder` (made if absent) and return it.

    `seed` and `dimensions` change the network, so both digests; `version` changes the calibration
    and the number, so the pack digest only. From 12 classes on, further ones are random colours.
    Without `text` it has no text part. `refined`: probes read class shares too, and give a class
    and an ancestor their values.
    """
    folder.mkdir(parents=True, exist_ok=True)
    palette = _palette(classes)
    network = _network(palette, seed, dimensions).SerializeToString(deterministic=True)
    table = _table(classes, REFINED if refined else ())
    files = {
        "image.onnx": network,
        "concepts.tsv": table.encode("utf-8"),
        "calibration.npy": _npy(_calibration(len(table.splitlines()) - 1, version)),
        "probes.npy": _npy(_probes(seed, dimensions)),
    }
    if refined:
        files["probes.npy"] = _npy(_probes(seed, dimensions + len(INPUTS), len(REFINED)))
        files["probe_inputs.txt"] = ("\n".join(INPUTS) + "\n").encode("ascii")
    if text:
        files |= _text_files(network, seed, dimensions)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    golden = _golden(network, dimensions)
    manifest = _manifest(folder, sorted(files), golden, dimensions, classes, version)
    if refined:
        manifest |= {"format": 2, "probes": {**manifest["probes"], "inputs": "probe_inputs.txt"}}
        manifest["parts"][-1]["files"].append("probe_inputs.txt")
        manifest["pack_digest"] = digests.pack_digest(manifest)
    if text:
        manifest = _with_text(manifest, folder, sorted(name for name in files if "text" in name))
    (folder / "pack.toml").write_text(_toml(manifest), encoding="utf-8", newline="\n")
    (folder / "MODEL_CARD.md").write_text("# A pack for tests\n", encoding="utf-8")
    return folder


@functools.lru_cache(maxsize=2)
def tiny_pack_folder(*, text: bool = True) -> Path:
    """The default tiny pack, or that without a text part; made once per test process."""
    _KEEP.append(tempfile.TemporaryDirectory(prefix="tiny-pack-"))
    return make_tiny_pack(Path(_KEEP[-1].name) / "tiny", text=text)


_KEEP: list[tempfile.TemporaryDirectory[str]] = []


def make_photo(seed: int, size: tuple[int, int] = (160, 120)) -> npt.NDArray[np.uint8]:
    """A colourful picture, HxWx3 uint8: a main colour with a gradient, patches and some noise.

    `size` is (width, height). The main colour is one of COLOURS, by `seed` modulo 12; what lies on
    it differs from seed to seed.
    """
    generator = np.random.default_rng(seed)
    width, height = size
    main = np.array(COLOURS[seed % len(COLOURS)][1], dtype=np.float64)
    slope = generator.uniform(-30, 30, (2, 3))
    across = np.linspace(-1, 1, width)[None, :, None]
    down = np.linspace(-1, 1, height)[:, None, None]
    pixels = main + across * slope[0] + down * slope[1]
    for _ in range(4):
        left, top = generator.uniform(0, 0.8, 2)
        wide, tall = generator.uniform(0.08, 0.3, 2)
        columns = slice(int(left * width), int((left + wide) * width) + 1)
        rows = slice(int(top * height), int((top + tall) * height) + 1)
        pixels[rows, columns] = generator.uniform(0, 255, 3)
    pixels += generator.normal(0, 3, pixels.shape)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def golden_pixels(seed: int, size: int) -> npt.NDArray[np.uint8]:
    """The picture of a pack's self test, as the format defines it."""
    from PIL import Image

    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def _palette(classes: int) -> npt.NDArray[np.float32]:
    extra = np.random.default_rng(7).integers(0, 256, (max(0, classes - len(COLOURS)), 3))
    named = np.array([colour[1] for colour in COLOURS[:classes]])
    return ((np.concatenate([named, extra]) - 127.0) / 128.0).astype(np.float32)


def _network(palette: npt.NDArray[np.float32], seed: int, dimensions: int) -> onnx.ModelProto:
    """Average pool 4 x 4 -> (mean colour -> logits, turned and normalised -> vector)."""
    cells = 3 * GRID * GRID
    sharpness = 12.0
    mean = np.kron(np.eye(3), np.full((GRID * GRID, 1), 1.0 / (GRID * GRID)))  # 48 x 3
    turn = np.random.default_rng(seed).normal(size=(max(cells, dimensions),) * 2)
    turn = np.linalg.qr(turn)[0][:cells, :dimensions]
    constants = {
        "class_weights": mean @ (2 * sharpness * palette.T.astype(np.float64)),
        "class_bias": -sharpness * np.square(palette.astype(np.float64)).sum(axis=1),
        "turn": turn,
        "away_from_zero": np.full(dimensions, 0.02),  # a grey picture still has a direction
    }
    nodes = [
        helper.make_node(
            "AveragePool", ["pixels"], ["pooled"], kernel_shape=[8, 8], strides=[8, 8]
        ),
        helper.make_node("Flatten", ["pooled"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "class_weights", "class_bias"], ["logits"]),
        helper.make_node("Gemm", ["flat", "turn", "away_from_zero"], ["turned"]),
        helper.make_node("LpNormalization", ["turned"], ["vector"], axis=1, p=2),
    ]
    shapes = {"logits": len(palette), "vector": dimensions}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, ["n", v]) for k, v in shapes.items()],
        [numpy_helper.from_array(v.astype(np.float32), k) for k, v in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8, producer_name="tests")


def _table(classes: int, refined: tuple[str, ...]) -> str:
    probe = {id: f"+probe:{number}" for number, id in enumerate(refined, start=len(PROBES))}
    lines = ["id\tname\tsynonyms\tparents\toutput\tdefinition"]
    for index in range(classes):
        extra = (f"shade {index}", (0, 0, 0), (), ("t-colour",))
        name, _, synonyms, parents = COLOURS[index] if index < len(COLOURS) else extra
        id = f"t{index:04d}"
        output = f"class:{index}{probe.get(id, '')}"
        row = (id, name, "|".join(synonyms), "|".join(parents), output)
        lines.append("\t".join((*row, f"the colour {name}")))
    for id, name, synonyms, parents in ANCESTORS:
        row = (id, name, "|".join(synonyms), "|".join(parents), probe.get(id, ""))
        lines.append("\t".join((*row, f"every {name}")))
    for index, (id, name, synonyms) in enumerate(PROBES):
        lines.append(
            "\t".join((id, name, "|".join(synonyms), "", f"probe:{index}", f"{name} seen"))
        )
    return "\n".join(lines) + "\n"


def _calibration(concepts: int, version: int) -> npt.NDArray[np.float32]:
    rows = np.empty((concepts, 3), dtype=np.float32)
    rows[:, 0] = np.linspace(0.8, 1.2, concepts)
    rows[:, 1] = 0.1 * (version - 1)
    rows[:, 2] = 0.02 + 0.01 * (np.arange(concepts) % 4)
    return rows


def _probes(seed: int, dimensions: int, more: int = 0) -> npt.NDArray[np.float32]:
    generator = np.random.default_rng(seed + 1)
    return (4 * generator.normal(size=(len(PROBES) + more, dimensions + 1))).astype(np.float32)


def _text_files(network: bytes, seed: int, dimensions: int) -> dict[str, bytes]:
    """Words, their rows in whole numbers, two small layers beside a direct one, decoys."""
    generator, width = np.random.default_rng(seed + 2), dimensions // 2
    words = ["[UNK]", *STOP_WORDS, *WORDS, *(c[0] for c in COLOURS if " " not in c[0])]
    rows = generator.normal(size=(len(words), width))
    rows[: 1 + len(STOP_WORDS)] *= 0.05
    for name, colour, _, _ in COLOURS:
        pixels = np.broadcast_to(np.array(colour, np.uint8), (SIZE, SIZE, 3))
        word = words.index(name.split()[-1])
        rows[word] = 12 * _run(network, pixels)[1][dimensions - width :]
    scales = (np.abs(rows).max(axis=1) / 127).astype(np.float16)
    layers = (np.eye(width), np.zeros(width), *(np.ones((8, width)), np.zeros(8)))
    layers += (0.02 * generator.normal(size=(width, 8)), np.zeros(width))
    decoys = generator.normal(size=(16, dimensions))
    return {
        "text_tokens.txt": ("\n".join(words) + "\n").encode("ascii"),
        "text_table.npy": _npy(np.clip(np.rint(rows / scales[:, None]), -127, 127).astype("i1")),
        "text_scales.npy": _npy(scales),
        "text_head.npy": _npy(np.concatenate([each.ravel() for each in layers]).astype("f2")),
        "text_decoys.npy": _npy((decoys / np.linalg.norm(decoys, axis=1)[:, None]).astype("f2")),
    }


def _with_text(manifest: dict[str, Any], folder: Path, files: list[str]) -> dict[str, Any]:
    """The same manifest with a text part, and with the digests that it then has."""
    manifest["format"] = 2
    manifest["text"] = {
        "tokens": "text_tokens.txt",
        "table": "text_table.npy",
        "scales": "text_scales.npy",
        "head": "text_head.npy",
        "gain": 4.0,
        "stop_words": list(STOP_WORDS),
        "decoys": "text_decoys.npy",
        "concept_weight": 0.2,
        "floor_spreads": 0.5,
        "floor_doubt": 0.25,
        "floor_known": 0.3,
        "floor_least": 0.0,
        "floor_enough": 0.7,
    }
    manifest["scores"]["text"] = TEXT_MAP
    manifest["parts"].append(_part("text", False, files))
    manifest["pack_digest"] = digests.pack_digest(manifest)
    return manifest


def _golden(network: bytes, dimensions: int) -> dict[str, Any]:
    logits, vector = _run(network, golden_pixels(1, SIZE))
    top = np.argsort(-logits, kind="stable")[:5]
    shown = [round(float(x), 6) for x in vector[: min(16, dimensions)]]
    return {"seed": 1, "vector": shown, "top": [int(x) for x in top]}


def _run(network: bytes, pixels: npt.NDArray[np.uint8]) -> tuple[Any, Any]:
    """Logits and vector of one picture of the network's size."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    scaled = (pixels.astype(np.float32) - 127.0) / 128.0
    batch = np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])
    logits, vector = session.run(["logits", "vector"], {"pixels": batch})
    return logits[0], vector[0]


def _manifest(
    folder: Path,
    files: list[str],
    golden: dict[str, Any],
    dimensions: int,
    classes: int,
    version: int,
) -> dict[str, Any]:
    manifest: dict[str, Any] = {
        "format": 1,
        "name": "tiny",
        "version": version,
        "summary": "colours, for tests",
        "licence": "CC0-1.0",
        "image": {
            "network": "image.onnx",
            "input": "pixels",
            "size": SIZE,
            "resize": RESIZE,
            "interpolation": "bicubic",
            "mean": [127.0, 127.0, 127.0],
            "std": [128.0, 128.0, 128.0],
            "logits": "logits",
            "vector": "vector",
            "classes": classes,
            "dimensions": dimensions,
        },
        "concepts": {"table": "concepts.tsv", "calibration": "calibration.npy", "temperature": 1.0},
        "probes": {"weights": "probes.npy"},
        "scores": {"visual": [[-1.0, 0.0], [0.1, 0.35], [0.9, 0.95], [1.0, 1.0]]},
        "golden": golden,
        "parts": [
            _part("network", True, ["image.onnx"]),
            _part("concepts", True, ["concepts.tsv", "calibration.npy"]),
            _part("probes", False, ["probes.npy"]),
        ],
        "files": {
            name: {
                "bytes": (folder / name).stat().st_size,
                "blake3": digests.file_digest(folder / name),
            }
            for name in files
        },
    }
    manifest["encoder_digest"] = digests.encoder_digest(manifest)
    manifest["pack_digest"] = digests.pack_digest(manifest)
    return manifest


def _part(name: str, required: bool, files: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "required": required,
        "files": files,
        "licence": "CC0-1.0",
        "source": "made by the tests",
        "trained_on": "nothing",
        "training_terms": "none",
    }


def _npy(array: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _toml(manifest: dict[str, Any]) -> str:
    """The manifest as TOML: plain values first, then its tables."""
    lines = [f"{k} = {_value(v)}" for k, v in manifest.items() if not _is_table(v)]
    for name, value in manifest.items():
        if name == "files":
            for file, entry in value.items():
                lines += [
                    "",
                    f'[files."{file}"]',
                    *(f"{k} = {_value(v)}" for k, v in entry.items()),
                ]
        elif isinstance(value, dict):
            lines += ["", f"[{name}]", *(f"{k} = {_value(v)}" for k, v in value.items())]
        elif _is_table(value):
            for entry in value:
                lines += ["", f"[[{name}]]", *(f"{k} = {_value(v)}" for k, v in entry.items())]
    return "\n".join(lines) + "\n"


def _is_table(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], dict)
    return isinstance(value, dict)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return repr(value)
