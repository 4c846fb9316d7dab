"""A detector as a list of plain operations, without batch norms.

Conversion and quantization-aware training both use this graph, so that the network that is trained is the network that
is converted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from train.geometry.head import Head
from train.geometry.size import InputSize
from train.layers.conv_norm import SLOPE as SLOPE
from train.layers.pyramid_detector import upsample

# Called with a tensor's name and value; returns the value to go on with.
Hook = Callable[[str, tf.Tensor], tf.Tensor]


@dataclass(frozen=True, eq=False)
class Node:
    """One operation.

    `inputs` are the names of earlier nodes, or "image". Kinds are:

    - "conv", "depthwise": have a `kernel` ([kh, kw, in, out], depthwise [kh, kw, in, 1]), a `bias` [out] and a `stride`.
      With `relu6`, the operation includes the activation. They pad as TensorFlow's SAME, or not at all where not `same`.
    - "pad": zeros at top, bottom, left and right, as many as `numbers` say.
    - "add", and "concat" along the channels.
    - "slice": of the channels, from the first of `numbers` to before the second.
    - "upsample": by 2, each value four times. "bilinear": by 2, with half-pixel centers.
    - "leaky_relu": a tenth of negative values. "tenth": of all values. "maximum": the greater of two.
    - "max_pool": SAME, of `numbers` rows and as many columns.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    kernel: tf.Tensor | np.ndarray | None = None
    bias: tf.Tensor | np.ndarray | None = None
    stride: int = 1
    relu6: bool = False
    same: bool = True
    numbers: tuple[int, ...] = ()


def _unchanged(name: str, tensor: tf.Tensor) -> tf.Tensor:
    return tensor


@dataclass(frozen=True, eq=False)
class Graph:
    """Operations in the order of execution, and the names of each level's two heads, the finest level first.

    `head` is what the outputs mean. A class head gives `columns` logits per anchor, one for each class. It has no
    background column, which is only needed in training.
    """

    nodes: tuple[Node, ...]
    box_heads: tuple[str, ...]
    class_heads: tuple[str, ...]
    head: Head
    columns: int

    @property
    def size(self) -> InputSize:
        """The size of the input."""
        return self.head.size

    def find(self, name: str) -> Node | None:
        """The node with this name; None if there is none, as for "image"."""
        return next((node for node in self.nodes if node.name == name), None)

    def __getitem__(self, name: str) -> Node:
        """The node with this name. Raises KeyError if there is none."""
        node = self.find(name)
        if node is None:
            raise KeyError(name)
        return node

    def with_nodes(self, changed: Mapping[str, Node]) -> Graph:
        """A copy of the graph in which the nodes named in `changed` are replaced."""
        return replace(self, nodes=tuple(changed.get(node.name, node) for node in self.nodes))

    def run(self, image: tf.Tensor, hook: Hook = _unchanged) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Runs the graph on float32 [N, height, width, 3], RGB in -1..1.

        `hook(name, tensor)` is called for every tensor, "image" first; later operations use its result.
        Returns box codes [N, anchors, head.columns] and class logits [N, anchors, columns], each as a list with one tensor
        per level.
        """
        values = {"image": hook("image", image)}
        for node in self.nodes:
            values[node.name] = hook(node.name, execute(node, [values[name] for name in node.inputs]))
        codes = [_by_anchor(values[name], self.head.columns) for name in self.box_heads]
        logits = [_by_anchor(values[name], self.columns) for name in self.class_heads]
        return codes, logits

    def frozen(self) -> Graph:
        """A copy of the graph with kernels and biases as arrays, which later changes of the model do not affect."""
        convolutions = [node for node in self.nodes if node.kernel is not None]
        return self.with_nodes(
            {node.name: replace(node, kernel=np.asarray(node.kernel), bias=np.asarray(node.bias)) for node in convolutions}
        )


def execute(node: Node, inputs: Iterable[tf.Tensor]) -> tf.Tensor:
    """The float32 output of `node` for its `inputs`, [N, H, W, C] each."""
    x, *rest = inputs
    if node.kind in _PLAIN:
        return _PLAIN[node.kind](node, x, *rest)
    strides = [1, node.stride, node.stride, 1]
    convolve = tf.nn.conv2d if node.kind == "conv" else tf.nn.depthwise_conv2d
    x = tf.nn.bias_add(convolve(x, node.kernel, strides, "SAME" if node.same else "VALID"), node.bias)
    return tf.nn.relu6(x) if node.relu6 else x


def _pad(node: Node, x: tf.Tensor) -> tf.Tensor:
    top, bottom, left, right = node.numbers
    return tf.pad(x, [[0, 0], [top, bottom], [left, right], [0, 0]])


def _slice(node: Node, x: tf.Tensor) -> tf.Tensor:
    first, end = node.numbers
    return x[:, :, :, first:end]


# Kinds whose outputs are values of their inputs, or zeros.
COPIES = ("upsample", "pad", "slice", "concat", "max_pool")
# Kinds whose outputs must have the scale of their inputs in an int8 file.
SAME_SCALE = (*COPIES, "bilinear", "maximum")

# Operations without weights.
_PLAIN: Mapping[str, Callable[..., tf.Tensor]] = {
    "add": lambda node, x, other: x + other,
    "concat": lambda node, *inputs: tf.concat(inputs, axis=3),
    "pad": _pad,
    "slice": _slice,
    "upsample": lambda node, x: upsample(x),
    "bilinear": lambda node, x: tf.image.resize(x, [2 * x.shape[1], 2 * x.shape[2]], "bilinear"),
    "leaky_relu": lambda node, x: tf.nn.leaky_relu(x, SLOPE),
    "tenth": lambda node, x: x * SLOPE,
    "maximum": lambda node, x, other: tf.maximum(x, other),
    "max_pool": lambda node, x: tf.nn.max_pool2d(x, node.numbers[0], node.stride, "SAME"),
}


def _by_anchor(x: tf.Tensor, columns: int) -> tf.Tensor:
    """Reshapes a head's map [N, H, W, B * columns] to [N, H * W * B, columns]."""
    return tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3] // columns, columns])
