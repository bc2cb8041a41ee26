"""The two towers of a model as ONNX networks of their own, each with its normalisation inside.

Never knows a pack. Invariant: what `export_tower` writes takes any number of rows, and gives what
the same function of the model gives, but for rounding.

torch's older exporter, by tracing: it needs no further package, and its networks are those that the
other providers have known for years.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from localsearch.errors import PackError
from localsearch.packs.export.models import Model

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

IMAGE_INPUT: Final = "pixels"
TEXT_INPUT: Final = "tokens"
OUTPUT: Final = "vector"
_OPSET: Final = 17  # LayerNormalization as one operator; ONNX Runtime has it since 1.12
_ROWS: Final = 256  # at most in one pass


def export_image_tower(model: Model, path: Path) -> None:
    """Write the image tower: `pixels` float32 [n, 3, size, size] to `vector` [n, D]."""
    import torch

    size = model.preprocessing.size
    example = torch.zeros(2, 3, size, size)
    _export(model, _image_pass(model), example, IMAGE_INPUT, {0: "n"}, path)


def export_text_tower(model: Model, path: Path) -> None:
    """Write the text tower: `tokens` int64 [n, context] to `vector` [n, D].

    Of a model that `cuts` the second axis is free.
    """
    import torch

    length = model.context - 1 if model.cuts else model.context
    example = torch.ones(2, length, dtype=torch.int64)
    axes = {0: "n", 1: "length"} if model.cuts else {0: "n"}
    _export(model, _text_pass(model), example, TEXT_INPUT, axes, path)


def image_vectors(
    model: Model, pixels: npt.NDArray[np.float32], rows: int = _ROWS
) -> npt.NDArray[np.float32]:
    """What the model itself gives for prepared pictures, float32 [n, D]."""
    return _run(_image_pass(model), pixels, rows)


def text_vectors(model: Model, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """What the model itself gives for tokens, by its own function for texts."""
    return _run(lambda rows: model.network.encode_text(rows, normalize=True), tokens, _ROWS)


def _run(
    call: Callable[[Any], Any], values: npt.NDArray[Any], rows: int
) -> npt.NDArray[np.float32]:
    import numpy as np
    import torch

    with torch.no_grad():
        parts = [
            call(torch.from_numpy(values[start : start + rows])).float().numpy()
            for start in range(0, len(values), rows)
        ]
    return np.concatenate(parts)


def _image_pass(model: Model) -> Callable[[Any], Any]:
    return lambda pixels: model.network.encode_image(pixels, normalize=True)


def _text_pass(model: Model) -> Callable[[Any], Any]:
    """The model's own function; of one that cuts the same steps over as many places as it gets.

    Causal attention sees nothing behind the end, and 77 places cost seven times those of a phrase.
    """
    network = model.network
    if not model.cuts:
        return lambda tokens: network.encode_text(tokens, normalize=True)

    def encode(tokens: Any) -> Any:
        import torch
        from torch.nn.functional import normalize

        length = tokens.shape[1]
        seen = network.token_embedding(tokens) + network.positional_embedding[:length]
        mask = network.attn_mask[:length, :length]
        for block in network.transformer.resblocks:
            seen = seen + block.ls_1(_attention(block.attn, block.ln_1(seen), mask))
            seen = seen + block.ls_2(block.mlp(block.ln_2(seen)))
        seen = network.ln_final(seen)
        last = seen[torch.arange(seen.shape[0]), tokens.argmax(dim=-1)]
        head = network.text_projection
        if head is not None:
            last = head(last) if isinstance(head, torch.nn.Linear) else last @ head
        return normalize(last, dim=-1)

    return encode


def _attention(layer: Any, seen: Any, mask: Any) -> Any:
    """What torch's MultiheadAttention computes; its own steps are traced for one length only."""
    from torch.nn.functional import linear

    rows, _, width = seen.shape
    three = linear(seen, layer.in_proj_weight, layer.in_proj_bias)
    three = three.reshape(rows, -1, 3, layer.num_heads, width // layer.num_heads)
    asked, key, value = three.permute(2, 0, 3, 1, 4)
    weights = asked @ key.transpose(-2, -1) * layer.head_dim**-0.5 + mask
    found = (weights.softmax(dim=-1) @ value).transpose(1, 2).reshape(rows, -1, width)
    return layer.out_proj(found)


def _export(
    model: Model,
    call: Callable[[Any], Any],
    example: Any,
    name: str,
    axes: dict[int, str],
    path: Path,
) -> None:
    import torch

    # The fused attention of evaluation has no counterpart in ONNX; written out it is the same.
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), _forward(model.network, call), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tracing: the comparison afterwards is what counts
            torch.onnx.export(
                model.network,
                (example,),
                str(path),
                input_names=[name],
                output_names=[OUTPUT],
                dynamic_axes={name: axes, OUTPUT: {0: "n"}},
                opset_version=_OPSET,
                dynamo=False,
            )
    except Exception as fault:
        told = " ".join(str(fault).split())[:300] or type(fault).__name__
        raise PackError(f"{model.title} cannot be written as ONNX: {told}") from fault


@contextlib.contextmanager
def _forward(network: Any, call: Callable[[Any], Any]) -> Iterator[None]:
    """Let a call of the network be that function: a wrapper module would be a class of torch's,
    which this file cannot name before torch is there."""
    network.forward = call
    try:
        yield
    finally:
        del network.forward
