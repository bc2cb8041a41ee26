"""Networks with smaller weights: half precision, and eight bits for what is multiplied.

Reads and writes ONNX files; never runs one. Invariant: what comes out is one file with the same
inputs and outputs, in single precision.

`fp16` keeps *weights* as halves and computes in single precision, as the pack `general` does: half
the download, the same vectors to five digits, and it runs wherever fp32 does. Activations in halves
are no option on a CPU: ONNX Runtime 1.32 ends the process (a segmentation fault) as it loads a
ViT-B-32 that torch exported so.

`int8` multiplies transformers' matrices in eight bits (`eight_bits`); all else is as in `fp16`.
Convolutions stay as they are: quantised as they run they are slower than in single precision.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from localsearch.errors import InputError, PackError

if TYPE_CHECKING:
    import onnx

PRECISIONS: Final = ("fp32", "fp16", "int8")
_LARGEST: Final = 2**31 - 1  # bytes of one ONNX file: its format has no more
_HALF_MAX: Final = 65504.0
_SMALL: Final = 4096  # numbers; biases and tables of constants below it stay as they are


def check_precision(word: str) -> None:
    """Raise InputError for a word that is none of PRECISIONS."""
    if word not in PRECISIONS:
        raise InputError(f"there is no precision {word!r}", hint=f"one of {', '.join(PRECISIONS)}")


def rewrite(source: Path, target: Path, precision: str) -> None:
    """Write the network in `source` (its weights may lie beside it) to the one file `target`.

    Raises PackError where one file cannot hold it.
    """
    import onnx

    network = onnx.load(source)
    if precision == "int8":
        from localsearch.packs.export.eight_bits import quantise

        quantise(network)
    if precision != "fp32":
        _halve(network)
    if network.ByteSize() > _LARGEST:
        raise PackError(
            f"the network takes {network.ByteSize() >> 20} MiB, more than the 2 GiB of an ONNX "
            "file; packs do not know weights in further files",
            hint="--precision fp16 halves it",
        )
    onnx.save(network, target)


def _halve(network: onnx.ModelProto) -> None:
    """Keep large single weights as halves, which become singles again as the network is loaded."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    casts: list[Any] = []
    for weight in network.graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < _SMALL:
            continue
        values = numpy_helper.to_array(weight)
        if not np.abs(values).max() <= _HALF_MAX:  # also where one is not a number: masks
            continue
        name = weight.name
        half = numpy_helper.from_array(values.astype(np.float16), f"{name}.half")
        weight.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    for node in reversed(casts):
        network.graph.node.insert(0, node)
