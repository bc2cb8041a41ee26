"""What the networks and tables of a pack want and give, as frozen records, and their fields.

Reads sections of a manifest, no file. Invariant: numbers of a spec are possible, it names files
only that its kind needs, logits come of one network at most, and a floor is a pair of cosines in
order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final, TypeVar

from localsearch.deferred import NamedTuple
from localsearch.errors import PackDamaged
from localsearch.scores import ScoreMap

TOKENIZERS: Final = ("clip", "sentencepiece")
CLEANINGS: Final = ("clip", "canonicalize", "lower", "whitespace")
_LONGEST: Final = 4096  # tokens of a text
_INTERPOLATIONS: Final = ("bicubic", "bilinear")
_FITS: Final = ("crop", "squash")
_LONG_SIDES: Final = ("round", "floor")
_LARGEST: Final = 4096  # pixels of a side

_T = TypeVar("_T")


class ImageSpec(NamedTuple):
    """What an image network wants and gives: names of its input and outputs, sizes in pixels.

    `mean` and `std` are of values 0..255, in the order red, green, blue. `fit`: "crop" keeps the
    aspect and cuts, "squash" does neither. `long_side` tells how a long side of a fraction of a
    pixel is rounded before the cut: "round" to the nearest, "floor" as torchvision does it.

    `vector` is None of a classifier, `logits` of a network that is none. `classifier` is a second
    network, which sees the same decode and gives the logits that the first lacks. `classes` is how
    many logits are kept of a picture, whichever gives them: 0 where neither does.
    """

    network: str
    input: str
    size: int
    resize: int
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    logits: str | None
    vector: str | None
    classes: int
    dimensions: int
    fit: str = "crop"
    long_side: str = "round"
    classifier: ImageSpec | None = None

    @property
    def networks(self) -> tuple[ImageSpec, ...]:
        """The networks that see a picture: this one, then the classifier where there is one."""
        return (self,) if self.classifier is None else (self, self.classifier)


def image_spec(raw: Mapping[str, Any], path: Path) -> ImageSpec:
    """The sections [image] and [classifier] of a manifest.

    Raises PackDamaged, KeyError, TypeError, ValueError.
    """
    image = raw["image"]
    spec = _image_network(image, path)._replace(
        vector=take(image, "vector", str, path), dimensions=take(image, "dimensions", int, path)
    )
    if spec.dimensions < 1:
        raise PackDamaged(f"{path}: [image] has an impossible number")
    if "classifier" not in raw:
        return spec
    beside = _image_network(raw["classifier"], path)
    if spec.logits is not None or beside.logits is None:
        raise PackDamaged(f"{path}: of [image] and [classifier] one must give logits")
    return spec._replace(classifier=beside, classes=beside.classes)


def _image_network(raw: Mapping[str, Any], path: Path) -> ImageSpec:
    mean, std = (tuple(float(x) for x in raw[name]) for name in ("mean", "std"))
    logits = take_if(raw, "logits", str, path)
    spec = ImageSpec(
        network=take(raw, "network", str, path),
        input=take(raw, "input", str, path),
        size=take(raw, "size", int, path),
        resize=take(raw, "resize", int, path),
        interpolation=take_word(raw, "interpolation", _INTERPOLATIONS, path),
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
        logits=logits,
        vector=None,
        classes=0 if logits is None else take(raw, "classes", int, path),
        dimensions=0,
        fit=take_word(raw, "fit", _FITS, path, "crop"),
        long_side=take_word(raw, "long_side", _LONG_SIDES, path, "round"),
    )
    if not 0 < spec.size <= spec.resize <= _LARGEST:
        raise PackDamaged(f"{path}: [image] has an impossible size")
    if (logits is not None and spec.classes < 1) or not all(x > 0 for x in spec.std):
        raise PackDamaged(f"{path}: [image] has an impossible number")
    return spec


class TableSpec(NamedTuple):
    """A text part of tables: vectors of tokens in `table`, with `scales`, and layers in `head`
    (None: none). `gain` is the length that the sum of the tokens gets before the layers.
    """

    table: str
    scales: str
    head: str | None
    gain: float

    @property
    def files(self) -> tuple[str, ...]:
        """Its files beside the tokens."""
        return (self.table, self.scales, *(() if self.head is None else (self.head,)))


class NetworkSpec(NamedTuple):
    """A text part that is a network, with the names of its input and output.

    It takes `context` tokens: what the tokenizer, "clip" or "sentencepiece", makes of a text that
    was cleaned in one of the ways of CLEANINGS, between `begin` and `end` (None: none, or those of
    the tokenizer), filled with `pad`. With `cut` nothing behind the last token counts, and it takes
    rows that end there. `logit_scale` and `logit_bias` are facts of the training.
    """

    network: str
    input: str
    vector: str
    tokenizer: str
    context: int
    pad: int
    begin: int | None
    end: int | None
    clean: str
    logit_scale: float | None
    logit_bias: float | None
    cut: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """Its files beside the tokens."""
        return (self.network,)


class TextSpec(NamedTuple):
    """What turns words into a vector, and how cosines with it are read.

    Of files: `tokens`, what `maker` names, and `decoys`, vectors of unrelated pictures (None
    without). `stop_words` alone say nothing.
    Of cosines: what a concept that a text names adds at most (`concept_weight`), and the floor: so
    many `spreads` above the median of all that a text is compared with, and `doubt` times what the
    best decoy lacks to the cosine `known`, within `least` and `enough`. `score_map` maps cosines
    to scores.
    """

    tokens: str
    maker: TableSpec | NetworkSpec
    stop_words: frozenset[str]
    decoys: str | None
    concept_weight: float
    spreads: float
    doubt: float
    known: float
    least: float
    enough: float
    score_map: ScoreMap

    @property
    def files(self) -> tuple[str, ...]:
        """All files that it is made of."""
        decoys = () if self.decoys is None else (self.decoys,)
        return (self.tokens, *self.maker.files, *decoys)

    @property
    def network(self) -> NetworkSpec | None:
        """The network that makes its vectors; None where tables do."""
        return self.maker if isinstance(self.maker, NetworkSpec) else None


def text_spec(raw: Mapping[str, Any], scores: Mapping[str, Any], path: Path) -> TextSpec:
    """The section [text] of a manifest. Raises PackDamaged, KeyError, TypeError, ValueError."""
    kind = take_word(raw, "kind", ("table", "network"), path, "table")
    spec = TextSpec(
        tokens=take(raw, "tokens", str, path),
        maker=_text_table(raw, path) if kind == "table" else _text_network(raw, path),
        stop_words=frozenset(map(str, take(raw, "stop_words", list, path))),
        decoys=take_if(raw, "decoys", str, path),
        concept_weight=float(raw["concept_weight"]),
        spreads=float(raw["floor_spreads"]),
        doubt=float(raw.get("floor_doubt", 0)),
        known=float(raw.get("floor_known", 0)),
        least=float(raw["floor_least"]),
        enough=float(raw["floor_enough"]),
        score_map=ScoreMap(scores["text"]),
    )
    if not (0 <= spec.concept_weight <= 1 and 0 <= spec.spreads <= 100):
        raise PackDamaged(f"{path}: [text] has an impossible number")
    if not (0 <= spec.doubt <= 100 and -1 <= spec.known <= 1):
        raise PackDamaged(f"{path}: the doubt of [text] is impossible")
    if not -1 <= spec.least <= spec.enough <= 1:
        raise PackDamaged(f"{path}: the floor of [text] is no pair of cosines in order")
    return spec


def _text_table(raw: Mapping[str, Any], path: Path) -> TableSpec:
    spec = TableSpec(
        table=take(raw, "table", str, path),
        scales=take(raw, "scales", str, path),
        head=take_if(raw, "head", str, path),
        gain=float(raw["gain"]),
    )
    if not 0 < spec.gain <= 1000:
        raise PackDamaged(f"{path}: [text] has an impossible number")
    return spec


def _text_network(raw: Mapping[str, Any], path: Path) -> NetworkSpec:
    scale, bias = (raw.get(name) for name in ("logit_scale", "logit_bias"))
    spec = NetworkSpec(
        network=take(raw, "network", str, path),
        input=take(raw, "input", str, path),
        vector=take(raw, "vector", str, path),
        tokenizer=take_word(raw, "tokenizer", TOKENIZERS, path),
        context=take(raw, "context", int, path),
        pad=take(raw, "pad", int, path) if "pad" in raw else 0,
        begin=take_if(raw, "begin", int, path),
        end=take_if(raw, "end", int, path),
        clean=take_word(raw, "clean", CLEANINGS, path),
        logit_scale=None if scale is None else float(scale),
        logit_bias=None if bias is None else float(bias),
        cut=bool(take_if(raw, "cut", bool, path)),
    )
    # Room for a beginning, an end and one token between.
    if not 3 <= spec.context <= _LONGEST or min(spec.pad, spec.begin or 0, spec.end or 0) < 0:
        raise PackDamaged(f"{path}: [text] has an impossible number of tokens, or token")
    return spec


def take(raw: Mapping[str, Any], name: str, kind: type[_T], path: Path) -> _T:
    """A field that has to be there. Raises PackDamaged where it is absent or of another type."""
    value = raw.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise PackDamaged(f"{path}: `{name}` is absent or not of type {kind.__name__}")
    return value


def take_if(raw: Mapping[str, Any], name: str, kind: type[_T], path: Path) -> _T | None:
    """A field that may be absent: None then. Raises PackDamaged where it is of another type."""
    return take(raw, name, kind, path) if name in raw else None


def take_word(
    raw: Mapping[str, Any], name: str, words: Sequence[str], path: Path, absent: str = ""
) -> str:
    """A field that is one of some words; `absent` is what it is where it is not there.

    Raises PackDamaged for another word, and where it is absent and must not be.
    """
    word = raw.get(name, absent)
    if word not in words:
        told = ", ".join(words)
        raise PackDamaged(f"{path}: `{name}` is {word!r}, expected one of {told}")
    return str(word)


def plain_name(name: str, path: Path) -> str:
    """A file name that stays inside the folder of the pack, on every system."""
    if PurePosixPath(name).name != name or "\\" in name or ":" in name or name in (".", ".."):
        raise PackDamaged(f"{path} names a file outside its folder: {name!r}")
    return name
