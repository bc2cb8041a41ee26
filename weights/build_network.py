"""EfficientNet-Lite2 as one ONNX graph: pixels in, logits and a whitened unit vector out.

The graph is written node by node from the published weights: batch norms folded into their
convolutions, weights stored in half precision behind a Cast (the runtime folds these casts when
it loads, so speed is that of single precision at half the size), the batch dimension free.
It never trains the network and never changes a weight but by that rounding.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from weights import sources

if TYPE_CHECKING:
    import torch

SIZE = 260
CLASSES = 1000
FEATURES = 1280
OPSET = 17  # old enough for every runtime that the product accepts

Floats = NDArray[np.floating]


class Graph:
    """Collects nodes and initializers; each method returns the name of what it made."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def half(self, name: str, value: Floats) -> str:
        """A weight, stored in half precision, used in single."""
        stored = numpy_helper.from_array(value.astype(np.float16), f"{name}.half")
        self.initializers.append(stored)
        return self.node("Cast", [f"{name}.half"], name, to=TensorProto.FLOAT)

    def single(self, name: str, value: Floats) -> str:
        """A small constant that keeps its full precision."""
        self.initializers.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def integers(self, name: str, value: list[int]) -> str:
        """A constant of axes or shapes."""
        self.initializers.append(numpy_helper.from_array(np.array(value, np.int64), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """One operation."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def convolve(self, name: str, x: str, conv: Any, norm: Any, clip: bool) -> str:
        """Convolution with its batch norm folded in, and ReLU6 if `clip`."""
        weight, bias = folded(conv, norm)
        left, right, top, bottom = padding_of(conv)
        out = self.node(
            "Conv",
            [x, self.half(f"{name}.weight", weight), self.single(f"{name}.bias", bias)],
            f"{name}.out" if clip else name,
            group=conv.groups,
            kernel_shape=list(conv.kernel_size),
            strides=list(conv.stride),
            pads=[top, left, bottom, right],
        )
        return self.node("Clip", [out, "zero", "six"], name) if clip else out


def folded(conv: Any, norm: Any) -> tuple[Floats, Floats]:
    """Weight and bias of a convolution followed by a batch norm in its inference form."""
    weight = conv.weight.detach().double().numpy()
    variance = norm.running_var.double().numpy()
    scale = norm.weight.detach().double().numpy() / np.sqrt(variance + norm.eps)
    shift = norm.bias.detach().double().numpy() - norm.running_mean.double().numpy() * scale
    kernel = weight * scale[:, None, None, None]
    return kernel.astype(np.float32), shift.astype(np.float32)


def padding_of(conv: Any) -> tuple[int, int, int, int]:
    """Left, right, top, bottom: the fixed "same" padding that the network was trained with."""
    padding = getattr(getattr(conv, "static_padding", None), "padding", (0, 0, 0, 0))
    left, right, top, bottom = padding
    return left, right, top, bottom


def load_torch() -> torch.nn.Module:
    """The published network, ready to infer."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    sources.check_network_code()
    model = EfficientNet.from_name("efficientnet-lite2")
    state = torch.load(sources.network_weights(), map_location="cpu", weights_only=True)
    model.load_state_dict(state)
    return model.eval()


def body(graph: Graph, model: Any) -> str:
    """All convolutions and the pooling: the name of the N x 1280 feature."""
    graph.single("zero", np.array(0.0, np.float32))
    graph.single("six", np.array(6.0, np.float32))
    x = graph.convolve("stem", "pixels", model._conv_stem, model._bn0, clip=True)
    for number, block in enumerate(model._blocks):
        name, start = f"block{number}", x
        if hasattr(block, "_expand_conv"):
            x = graph.convolve(f"{name}.expand", x, block._expand_conv, block._bn0, clip=True)
        x = graph.convolve(f"{name}.depth", x, block._depthwise_conv, block._bn1, clip=True)
        x = graph.convolve(f"{name}.project", x, block._project_conv, block._bn2, clip=False)
        if block.id_skip and keeps_shape(block):
            x = graph.node("Add", [x, start], f"{name}.sum")
    x = graph.convolve("head", x, model._conv_head, model._bn1, clip=True)
    x = graph.node("GlobalAveragePool", [x], "pooled")
    return graph.node("Flatten", [x], "feature", axis=1)


def keeps_shape(block: Any) -> bool:
    """Whether a block's output can be added to its input."""
    arguments = block._block_args
    same_width = arguments.input_filters == arguments.output_filters
    return bool(arguments.stride in (1, [1]) and same_width)


def classifier(graph: Graph, model: Any) -> None:
    """Adds the output `logits`."""
    weight = graph.half("classes.weight", model._fc.weight.detach().numpy())
    bias = graph.single("classes.bias", model._fc.bias.detach().numpy())
    graph.node("Gemm", ["feature", weight, bias], "logits", transB=1)


def projector(graph: Graph, mean: Floats, projection: Floats, root: bool) -> None:
    """Adds the output `vector`: (root), centre, project, unit length."""
    feature = graph.node("Sqrt", ["feature"], "rooted") if root else "feature"
    # (f - mean) W = f W - mean W: one product with a bias.
    matrix = graph.half("whiten.weight", projection)
    stored = projection.astype(np.float16).astype(np.float64)
    bias = graph.single("whiten.bias", -(mean.astype(np.float64) @ stored).astype(np.float32))
    x = graph.node("Gemm", [feature, matrix, bias], "whitened")
    length = graph.node("ReduceL2", [x], "length", axes=[1], keepdims=1)
    length = graph.node("Max", [length, graph.single("tiny", np.array(1e-6))], "length.safe")
    graph.node("Div", [x, length], "vector")


def finish(graph: Graph, outputs: dict[str, int], path: Path) -> None:
    """Write the graph with the named outputs (name -> width)."""
    shapes = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])
        for name, width in outputs.items()
    ]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 3, SIZE, SIZE])
    made = helper.make_graph(graph.nodes, "image", [pixels], shapes, graph.initializers)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    model.producer_name = "localsearch weights"
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def write_features_network(path: Path) -> None:
    """The network with its raw 1280 numbers as an output: what whitening and probes start from."""
    graph, model = Graph(), load_torch()
    body(graph, model)
    classifier(graph, model)
    finish(graph, {"logits": CLASSES, "feature": FEATURES}, path)


def write_network(path: Path, mean: Floats, projection: Floats, root: bool) -> None:
    """The network of the pack."""
    graph, model = Graph(), load_torch()
    body(graph, model)
    classifier(graph, model)
    projector(graph, mean, projection, root)
    finish(graph, {"logits": CLASSES, "vector": projection.shape[1]}, path)
