"""Models of open_clip: made from a tag, a checkpoint or a seed, and what is known of them.

Never writes a pack and never opens a photo. Weights come from open_clip's own places, and only when
a tag is named. torch is imported inside functions: who never exports does not need it. Invariant: a
Model is in evaluation mode and on the CPU, and its preprocessing is that of its weights.
"""

from __future__ import annotations

import contextlib
import difflib
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.encoders.prepare import golden_picture
from localsearch.errors import DependencyMissing, InputError, PackError
from localsearch.packs.export.terms import Terms, terms_of

_FITS: Final = {"shortest": "crop", "squash": "squash"}  # open_clip's word, ours
_SETTLING: Final = (
    8  # seeded pictures that give normalising layers of random weights their statistics
)


class Preprocessing(NamedTuple):
    """What a model takes of a picture; `mean` and `std` of values 0..1."""

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    fit: str


class Model(NamedTuple):
    """A model of open_clip. `title` is its name there, `weights` where they come from.

    `cuts`: nothing behind the end of a text counts, so that its tower takes any length.
    """

    network: Any
    title: str
    weights: str
    terms: Terms
    preprocessing: Preprocessing
    context: int
    text: dict[str, Any]
    cuts: bool
    logit_scale: float
    logit_bias: float | None


def pack_name(title: str) -> str:
    """The name of a pack of a model: `clip-vit-b32` of ViT-B-32."""
    name = re.sub(r"^vit-([a-z0-9]+)-(\d+)", r"vit-\1\2", title.lower())
    name = re.sub(r"[^a-z0-9_.]+", "-", name).strip("-")
    return name if "clip" in name or "siglip" in name else f"clip-{name}"


def open_model(title: str, pretrained: str, seed: int | None) -> Model:
    """A model with the weights of a tag or a file; with those of a `seed` if `pretrained` is empty.

    Raises DependencyMissing, InputError for names that are none, PackError where weights cannot be
    had.
    """
    open_clip, torch = _packages()
    config = open_clip.get_model_config(title)
    if config is None:
        near = difflib.get_close_matches(title, open_clip.list_models()) or ["ViT-B-32"]
        raise InputError(
            f"open_clip knows no model {title!r}", hint=f"it knows {', '.join(near)}, and others"
        )
    if not pretrained and seed is None:
        raise InputError(
            "no weights were named", hint="--pretrained TAG or FILE; --random-seed N for a test"
        )
    arguments = _weights(open_clip, title, pretrained)
    torch.manual_seed(seed or 0)
    try:
        with _quiet():
            network = open_clip.create_model(title, precision="fp32", device="cpu", **arguments)
    except Exception as fault:
        raise PackError(
            f"open_clip cannot make {title} with {pretrained or 'random weights'}: {_said(fault)}",
            hint="without a network, name a checkpoint file: --pretrained FILE",
        ) from fault
    network.eval()
    settings = _preprocessing(open_clip.get_model_preprocess_cfg(network), title)
    if not pretrained:
        _settle(torch, network, settings)
    return _described(network, title, pretrained, seed, settings, config["text_cfg"])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """open_clip warns on the root logger of random weights, and of much that is no fault."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)


def _packages() -> tuple[Any, Any]:
    try:
        import open_clip
        import torch
    except ImportError as fault:
        raise DependencyMissing(
            f"exporting a model needs {fault.name}", hint='pip install "localsearch[export]"'
        ) from fault
    return open_clip, torch


def _weights(open_clip: Any, title: str, pretrained: str) -> dict[str, Any]:
    """Arguments that name weights; of a file or a seed also how pictures are prepared."""
    tags = open_clip.list_pretrained_tags_by_model(title)
    if pretrained in tags:
        return {"pretrained": pretrained}
    if pretrained and not Path(pretrained).expanduser().is_file():
        raise InputError(
            f"{pretrained!r} is neither a file nor weights that open_clip has for {title}",
            hint=f"it has {', '.join(tags) or 'none'}",
        )
    # A checkpoint does not tell how its pictures were prepared. Where all weights of this model
    # agree, it is their way, and not what open_clip takes else (MobileCLIP has neither mean nor
    # deviation).
    keys = ("mean", "std", "interpolation", "resize_mode")
    known = [open_clip.get_pretrained_cfg(title, tag) for tag in tags]
    told = [{key: one[key] for key in keys if key in one} for one in known]
    agreed = told[0] if told and all(one == told[0] for one in told) else {}
    path = str(Path(pretrained).expanduser()) if pretrained else None
    return {"pretrained": path, **({"force_preprocess_cfg": agreed} if agreed else {})}


def _preprocessing(raw: dict[str, Any], title: str) -> Preprocessing:
    sizes = raw["size"] if isinstance(raw["size"], tuple | list) else (raw["size"],) * 2
    fit, interpolation = _FITS.get(raw["resize_mode"]), raw["interpolation"]
    if sizes[0] != sizes[1] or fit is None or interpolation not in ("bicubic", "bilinear"):
        raise PackError(f"{title} prepares pictures in a way that packs do not know: {raw}")
    mean, std = (tuple(float(x) for x in raw[key]) for key in ("mean", "std"))
    return Preprocessing(
        int(sizes[0]), (mean[0], mean[1], mean[2]), (std[0], std[1], std[2]), interpolation, fit
    )


def _described(
    network: Any,
    title: str,
    pretrained: str,
    seed: int | None,
    settings: Preprocessing,
    text: dict[str, Any],
) -> Model:
    bias = getattr(network, "logit_bias", None)
    return Model(
        network=network,
        title=title,
        weights=pretrained or f"random, seed {seed}",
        terms=terms_of(title, pretrained),
        preprocessing=settings,
        context=int(getattr(network, "context_length", None) or text.get("context_length", 77)),
        text=text,
        cuts=_cuts(network),
        logit_scale=float(network.logit_scale.detach().exp()),
        logit_bias=None if bias is None else float(bias.detach()),
    )


def _cuts(network: Any) -> bool:
    """Whether the tower of texts is CLIP's own: causal, read at the end, of the usual blocks."""
    causal = getattr(network, "attn_mask", None) is not None
    if not causal or getattr(network, "text_pool_type", "") != "argmax":
        return False
    names = {type(block).__name__ for block in network.transformer.resblocks}
    return names == {"ResidualAttentionBlock"}


def _settle(torch: Any, network: Any, settings: Preprocessing) -> None:
    """Make random weights such as tell pictures apart, as trained ones do.

    Fresh networks of convolutions do not: what their blocks add is zero or a hundred-thousandth,
    and their normalising layers have seen nothing, so all vectors would be the same.
    """
    for name, value in network.named_parameters():
        if name.endswith(("gamma", "bn3.weight")):
            value.data.fill_(0.5)
    layers = [one for one in network.visual.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    if not layers:
        return
    size = settings.size
    pixels = np.stack([golden_picture(1000 + seed, size) for seed in range(_SETTLING)])
    batch = (pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255 - 0.5) / 0.25
    for layer in layers:
        layer.momentum = None  # statistics are those of this batch alone
        layer.train()
    with torch.no_grad():
        network.encode_image(torch.from_numpy(batch))
    network.eval()


def _said(fault: Exception) -> str:
    return " ".join(str(fault).split())[:300] or type(fault).__name__
