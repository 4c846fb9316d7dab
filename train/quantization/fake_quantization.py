"""Fake quantization: rounds the tensors of a float graph as an int8 file does; gradients pass the rounding.

Training and conversion both use these functions, so that both round the same tensors in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import tensorflow as tf

from train.graph.graph import COPIES, Graph, Hook, Node
from train.quantization.equalization import rescale
from train.quantization.quantization import Quantization, Range
from train.quantization.ranges import owners

# Quantized weights are in -127..127 (TFLite 8-bit quantization specification).
_WEIGHT_STEPS = 127.0


def activation(tensor: tf.Tensor, span: Range) -> tf.Tensor:
    """`tensor` rounded to 256 values over `span`. The converter makes an int8 tensor of the result."""
    return tf.quantization.fake_quant_with_min_max_args(tensor, span.low, span.high)


def run(graph: Graph, quantization: Quantization, image: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Like `graph.run`, with the rounding of the int8 file that has this `quantization`."""
    graph = weights(rescale(graph, quantization.factors))
    return graph.run(image, hook(graph, lambda tensor, owner: activation(tensor, quantization.ranges[owner])))


def hook(graph: Graph, rounded: Callable[[tf.Tensor, str], tf.Tensor]) -> Hook:
    """A hook for `Graph.run` that calls `rounded(tensor, owner)` for every tensor.

    `owner` is the name of the tensor whose range is used (see `ranges.owners`). Tensors that hold values of others are
    left as they are: these are already rounded, and in the converter a second rounding could add a requantization.
    """
    copies = {node.name for node in graph.nodes if node.kind in COPIES}
    owner = owners(graph)
    return lambda name, tensor: tensor if name in copies else rounded(tensor, owner[name])


def weights(graph: Graph) -> Graph:
    """`graph` with its kernels rounded to int8: symmetric, with one scale per output channel, as in the converter.

    Biases are unchanged; they have 32 bits in the file.
    """
    return graph.with_nodes(
        {node.name: replace(node, kernel=_kernel(node)) for node in graph.nodes if node.kernel is not None}
    )


def _kernel(node: Node) -> tf.Tensor:
    # The output channels are axis 3 of a kernel, and axis 2 of a depthwise kernel [kh, kw, in, 1].
    axes = [0, 1, 3] if node.kind == "depthwise" else [0, 1, 2]
    kernel = tf.convert_to_tensor(node.kernel)
    step = tf.maximum(tf.reduce_max(tf.abs(kernel), axis=axes, keepdims=True), 1e-30) / _WEIGHT_STEPS
    return kernel + tf.stop_gradient(tf.round(kernel / step) * step - kernel)
