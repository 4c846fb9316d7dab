"""Rounds a float graph's tensors as an int8 file will, with gradients that pass the rounding.

One description of where and how, for training and for conversion: what is trained is what is converted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import tensorflow as tf

from train.models.folding import Graph, Node
from train.quantization.equalization import rescale
from train.quantization.quantization import Quantisation, Range
from train.quantization.ranges import owners

# The file's weights lie in -127..127 (TFLite 8-bit specification).
_WEIGHT_STEPS = 127.0


def activation(tensor: tf.Tensor, span: Range) -> tf.Tensor:
    """`tensor` as 256 steps over `span` can hold it; the converter makes an int8 tensor of it."""
    return tf.quantization.fake_quant_with_min_max_args(tensor, span.low, span.high)


def run(graph: Graph, quantisation: Quantisation, image: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """As `graph.run`, but as the int8 file with this `quantisation` computes it."""
    graph = weights(rescale(graph, quantisation.factors))
    return graph.run(image, hook(graph, lambda tensor, owner: activation(tensor, quantisation.ranges[owner])))


def hook(graph: Graph, rounded: Callable[[tf.Tensor, str], tf.Tensor]) -> Callable[[str, tf.Tensor], tf.Tensor]:
    """For `Graph.run`: every tensor through `rounded(tensor, owner)`, `owner` naming its range.

    An upsampled tensor repeats values of its input, in the same steps: rounding it once more would
    change nothing, and in the converter only invite a requantisation.
    """
    copies = {node.name for node in graph.nodes if node.kind == "upsample"}
    owner = owners(graph)
    return lambda name, tensor: tensor if name in copies else rounded(tensor, owner[name])


def weights(graph: Graph) -> Graph:
    """`graph` with its kernels as int8 holds them: symmetric, one scale an output channel, as the
    converter chooses it. Biases, 32 bits wide in the file, stay as they are.
    """
    return graph.with_nodes(
        {node.name: replace(node, kernel=_kernel(node)) for node in graph.nodes if node.kernel is not None}
    )


def _kernel(node: Node) -> tf.Tensor:
    # The output channels are axis 3, and axis 2 of a depthwise kernel [kh, kw, in, 1].
    axes = [0, 1, 3] if node.kind == "depthwise" else [0, 1, 2]
    kernel = tf.convert_to_tensor(node.kernel)
    step = tf.maximum(tf.reduce_max(tf.abs(kernel), axis=axes, keepdims=True), 1e-30) / _WEIGHT_STEPS
    return kernel + tf.stop_gradient(tf.round(kernel / step) * step - kernel)
