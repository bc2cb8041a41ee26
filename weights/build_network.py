"""EfficientNet-Lite2 as one ONNX graph: pixels in, logits and the stored unit vector out.

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

from weights import fit_vector, sources
from weights.fit_vector import Joint, Projection, Visual

if TYPE_CHECKING:
    import torch

SIZE = 260
CLASSES = 1000
FEATURES = 1280
GELU = 0.7978845608028654  # sqrt(2 / pi)
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


def unit_rows(graph: Graph, x: str, name: str) -> str:
    """Rows of length 1."""
    length = graph.node("ReduceL2", [x], f"{name}.length", axes=[1], keepdims=1)
    return graph.node("Div", [x, graph.node("Max", [length, "tiny"], f"{name}.safe")], name)


def root_chances(graph: Graph, logits: str, name: str) -> str:
    """Square roots of the softmax of logits: a row of unit length."""
    return graph.node("Sqrt", [graph.node("Softmax", [logits], f"{name}.soft", axis=1)], name)


def gelu(graph: Graph, x: str, name: str) -> str:
    """x * (1 + tanh(c * (x + 0.044715 * x^3))) / 2, operation by operation."""
    inner = graph.node("Mul", [x, graph.node("Mul", [x, x], f"{name}.square")], f"{name}.cube")
    inner = graph.node(
        "Mul", [inner, graph.single("gelu.cube", np.array(0.044715))], f"{name}.part"
    )
    inner = graph.node("Add", [inner, x], f"{name}.sum")
    inner = graph.node("Mul", [inner, graph.single("gelu.scale", np.array(GELU))], f"{name}.inner")
    inner = graph.node("Tanh", [inner], f"{name}.tanh")
    inner = graph.node("Add", [inner, graph.single("one", np.array(1.0))], f"{name}.raised")
    inner = graph.node("Mul", [inner, graph.single("half", np.array(0.5))], f"{name}.gate")
    return graph.node("Mul", [x, inner], name)


def dense(graph: Graph, x: str, weight: Floats, bias: Floats, name: str) -> str:
    """x @ weight + bias, the weight in half precision."""
    inputs = [x, graph.half(f"{name}.weight", weight), graph.single(f"{name}.bias", bias)]
    return graph.node("Gemm", inputs, name)


def projector(graph: Graph, projection: Projection) -> None:
    """Adds the output `vector`: what `fit_vector` says, node by node."""
    visual, joint = projection.visual, projection.joint
    graph.single("tiny", np.array(1e-6))
    root = unit_rows(graph, graph.node("Sqrt", ["feature"], "roots"), "rooted")
    softer = graph.single("softness", np.array(1 / fit_vector.SOFTNESS))
    soft = root_chances(graph, graph.node("Mul", ["logits", softer], "softer"), "soft.chances")
    v = dense(graph, root, visual.feature, visual.bias, "visual.feature")
    v = graph.node("Add", [v, product(graph, soft, visual.chance, "visual.chance")], "visual.sum")
    hidden = gelu(graph, dense(graph, root, joint.first, joint.bias, "joint.first"), "joint.hidden")
    j = dense(graph, hidden, joint.second, joint.offset, "joint.second")
    sharp = root_chances(graph, "logits", "chances")
    j = graph.node("Add", [j, product(graph, sharp, joint.names, "joint.names")], "joint.sum")
    parts = []
    for name, x, share in (("visual", v, 1 - projection.share), ("joint", j, projection.share)):
        length = graph.single(f"{name}.share", np.array(np.sqrt(share)))
        parts.append(graph.node("Mul", [unit_rows(graph, x, f"{name}.unit"), length], name))
    graph.node("Concat", parts, "vector", axis=1)


def product(graph: Graph, x: str, weight: Floats, name: str) -> str:
    """x @ weight, the weight in half precision."""
    return graph.node("MatMul", [x, graph.half(f"{name}.weight", weight)], name)


def finish(graph: Graph, outputs: dict[str, list[int]], path: Path) -> None:
    """Write the graph with the named outputs (name -> shape without the batch)."""
    shapes = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
        for name, shape in outputs.items()
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
    finish(graph, {"logits": [CLASSES], "feature": [FEATURES]}, path)


def write_network(path: Path, projection: Projection) -> None:
    """The network of the pack."""
    graph, model = Graph(), load_torch()
    body(graph, model)
    classifier(graph, model)
    projector(graph, projection)
    finish(graph, {"logits": [CLASSES], "vector": [fit_vector.DIMENSIONS]}, path)


def read_projection(path: Path) -> Projection:
    """The heads of a network that `write_network` wrote."""
    stored = {one.name: numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}

    def head(name: str) -> NDArray[np.float32]:
        kept = stored[f"{name}.half"] if f"{name}.half" in stored else stored[name]
        return np.asarray(kept, dtype=np.float32)

    parts = ("visual.feature.weight", "visual.chance.weight", "visual.feature.bias")
    visual = Visual(*(head(name) for name in parts))
    inner = ("first.weight", "first.bias", "second.weight", "names.weight", "second.bias")
    joint = Joint(*(head(f"joint.{name}") for name in inner))
    return Projection(visual, joint, float(stored["joint.share"]) ** 2)
