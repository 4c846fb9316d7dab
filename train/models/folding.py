"""Batch norm folding: the detector as a list of plain operations, without batch norms.

Conversion and quantization-aware training both use this graph, so that the network that is trained is the network that
is converted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import tensorflow as tf

from train.models import anchors, mobilenet_v2
from train.models.keras_types import BatchNormalization, Convolution, Layer
from train.models.ssd_mobilenet_v2_fpnlite import TOWER_LAYERS, Detector, upsample

# Called with a tensor's name and value; returns the value to go on with.
Hook = Callable[[str, tf.Tensor], tf.Tensor]


@dataclass(frozen=True, eq=False)
class Node:
    """One operation.

    `kind` is "conv", "depthwise", "add" or "upsample". `inputs` are the names of earlier nodes, or "image".
    Convolutions use SAME padding and have a `kernel` ([kh, kw, in, out], depthwise [kh, kw, in, 1]) and a `bias` [out].
    With `relu6`, the operation includes the activation.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    kernel: tf.Tensor | np.ndarray | None = None
    bias: tf.Tensor | np.ndarray | None = None
    stride: int = 1
    relu6: bool = False


def _unchanged(name: str, tensor: tf.Tensor) -> tf.Tensor:
    return tensor


@dataclass(frozen=True, eq=False)
class Graph:
    """Operations in the order of execution, and the names of each level's two heads, level 3 first.

    A class head gives `columns` logits per anchor, one for each class. It has no background column, which is only
    needed in training. `size` is the side of the input in pixels.
    """

    nodes: tuple[Node, ...]
    box_heads: tuple[str, ...]
    class_heads: tuple[str, ...]
    size: int
    columns: int

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
        """Runs the graph on float32 [N, size, size, 3] in -1..1.

        `hook(name, tensor)` is called for every tensor, "image" first; later operations use its result.
        Returns box codes [N, cells * 6, 4] and class logits [N, cells * 6, columns], each as a list with one tensor per
        level.
        """
        values = {"image": hook("image", image)}
        for node in self.nodes:
            values[node.name] = hook(node.name, execute(node, [values[name] for name in node.inputs]))
        codes = [_by_anchor(values[name], 4) for name in self.box_heads]
        logits = [_by_anchor(values[name], self.columns) for name in self.class_heads]
        return codes, logits

    def frozen(self) -> Graph:
        """A copy of the graph with kernels and biases as arrays, which later changes of the model do not affect."""
        convolutions = [node for node in self.nodes if node.kernel is not None]
        return self.with_nodes(
            {node.name: replace(node, kernel=np.asarray(node.kernel), bias=np.asarray(node.bias)) for node in convolutions}
        )


def fold(model: Detector) -> Graph:
    """The graph of `model` in inference mode.

    Kernels and biases are computed from the model's variables by TensorFlow operations, so that gradients reach the
    variables. Nodes have names such as `stem`, `block_3_expand`, `block_3_add`, `projection_2`,
    `smoothing_1_depthwise`, `tower_0_level_3_pointwise`, `boxes_level_3_pointwise`, ...
    """
    builder = _Builder()
    c3, c4, c5 = _backbone(model, builder)
    features = _pyramid(model, builder, c3, c4, c5)
    for level, layers in zip((6, 7), model._feature_extractor._coarse_feature_layers):
        convolution, norm = _pair(layers)
        features.append(builder.separable(f"coarse_{level}", features[-1], convolution, norm, stride=2))
    box_heads, class_heads = _predictor(model, builder, features)
    return Graph(tuple(builder.nodes), box_heads, class_heads, model.size, model.classes)


class _Builder:
    """Collects nodes. Each method adds nodes and returns the name of the last one."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def add(self, node: Node) -> str:
        self.nodes.append(node)
        return node.name

    def conv(
        self, name: str, source: str, layer: Convolution, norm: BatchNormalization | None = None, relu6: bool = False
    ) -> str:
        kernel, bias = _folded(layer.kernel, layer.bias if layer.use_bias else None, norm)
        return self.add(Node(name, "conv", (source,), kernel, bias, layer.strides[0], relu6))

    def depthwise(self, name: str, source: str, layer: Convolution, norm: BatchNormalization, relu6: bool) -> str:
        # A depthwise kernel is [kh, kw, in, 1], so that the scale of the batch norm applies to axis 2.
        kernel, bias = _folded(tf.transpose(layer.depthwise_kernel, [0, 1, 3, 2]), None, norm)
        return self.add(
            Node(name, "depthwise", (source,), tf.transpose(kernel, [0, 1, 3, 2]), bias, layer.strides[0], relu6)
        )

    def separable(
        self,
        name: str,
        source: str,
        layer: Convolution,
        norm: BatchNormalization | None = None,
        stride: int = 1,
        columns: Sequence[int] | None = None,
    ) -> str:
        """Adds a depthwise and a pointwise convolution. `columns` are the output channels to keep, by default all."""
        kernel = layer.depthwise_kernel
        bias = tf.zeros([kernel.shape[2]])
        depthwise = self.add(Node(f"{name}_depthwise", "depthwise", (source,), tf.convert_to_tensor(kernel), bias, stride))
        kernel, bias = _folded(layer.pointwise_kernel, layer.bias if layer.use_bias else None, norm)
        if columns is not None:
            kernel, bias = tf.gather(kernel, columns, axis=3), tf.gather(bias, columns)
        return self.add(Node(f"{name}_pointwise", "conv", (depthwise,), kernel, bias, 1, norm is not None))


def _pair(layers: Sequence[Layer]) -> tuple[Convolution, BatchNormalization]:
    convolution, norm = layers
    return cast(Convolution, convolution), cast(BatchNormalization, norm)


def _folded(
    kernel: tf.Variable | tf.Tensor, bias: tf.Variable | None, norm: BatchNormalization | None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Kernel [..., out] and bias [out] with `norm`, if any, folded in."""
    kernel = tf.convert_to_tensor(kernel)
    bias = tf.zeros([kernel.shape[-1]]) if bias is None else tf.convert_to_tensor(bias)
    if norm is None:
        return kernel, bias
    scale = norm.gamma * tf.math.rsqrt(norm.moving_variance + norm.epsilon)
    return kernel * scale, (bias - norm.moving_mean) * scale + norm.beta


def _backbone(model: Detector, builder: _Builder) -> tuple[str, str, str]:
    backbone = model._feature_extractor.classification_backbone
    layers: dict[str, Layer] = {layer.name: layer for layer in backbone.layers}

    def conv(name: str) -> Convolution:
        return cast(Convolution, layers[name])

    def norm(name: str) -> BatchNormalization:
        return cast(BatchNormalization, layers[f"{name}_norm"])

    x = builder.conv("stem", "image", conv("stem"), norm("stem"), relu6=True)
    levels, index = {}, 0
    while f"block_{index}_project" in layers:
        name, skip = f"block_{index}", x
        if f"{name}_expand" in layers:
            x = builder.conv(f"{name}_expand", x, conv(f"{name}_expand"), norm(f"{name}_expand"), relu6=True)
        x = builder.depthwise(f"{name}_depthwise", x, conv(f"{name}_depthwise"), norm(f"{name}_depthwise"), relu6=True)
        x = builder.conv(f"{name}_project", x, conv(f"{name}_project"), norm(f"{name}_project"))
        if f"{name}_add" in layers:
            x = builder.add(Node(f"{name}_add", "add", (skip, x)))
        levels[index] = x
        index += 1
    c3, c4 = (levels[block] for block in mobilenet_v2.LEVEL_BLOCKS)
    return c3, c4, builder.conv("last", x, conv("last"), norm("last"), relu6=True)


def _pyramid(model: Detector, builder: _Builder, c3: str, c4: str, c5: str) -> list[str]:
    pyramid = model._feature_extractor._fpn_features_generator
    features = [builder.conv("projection_3", c5, pyramid.top_layers[0])]
    for number, source, (lateral,), layers in zip((2, 1), (c4, c3), pyramid.residual_blocks, pyramid.conv_layers):
        up = builder.add(Node(f"upsample_{number}", "upsample", (features[0],)))
        side = builder.conv(f"projection_{number}", source, lateral)
        total = builder.add(Node(f"sum_{number}", "add", (up, side)))
        features.insert(0, builder.separable(f"smoothing_{number}", total, *_pair(layers)))
    return features


def _predictor(model: Detector, builder: _Builder, features: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    predictor = model._box_predictor
    towers = predictor._base_tower_layers_for_heads["box_encodings"]
    box_layer = predictor._box_prediction_head.convolution
    class_layer = predictor._prediction_heads["class_predictions_with_background"].convolution
    foreground = [
        anchor * (model.classes + 1) + column for anchor in range(anchors.PER_CELL) for column in range(1, model.classes + 1)
    ]
    box_heads, class_heads = [], []
    for level, x, tower in zip(anchors.LEVELS, features, towers):
        for i in range(TOWER_LAYERS):
            x = builder.separable(f"tower_{i}_level_{level}", x, *_pair(tower[3 * i : 3 * i + 2]))
        box_heads.append(builder.separable(f"boxes_level_{level}", x, box_layer))
        class_heads.append(
            builder.separable(f"classes_level_{level}", x, class_layer, columns=foreground)
        )
    return tuple(box_heads), tuple(class_heads)


def execute(node: Node, inputs: Iterable[tf.Tensor]) -> tf.Tensor:
    """The float32 output of `node` for its `inputs`, [N, H, W, C] each."""
    x, *rest = inputs
    if node.kind == "add":
        return x + rest[0]
    if node.kind == "upsample":
        return upsample(x)
    strides = [1, node.stride, node.stride, 1]
    convolve = tf.nn.conv2d if node.kind == "conv" else tf.nn.depthwise_conv2d
    x = tf.nn.bias_add(convolve(x, node.kernel, strides, "SAME"), node.bias)
    return tf.nn.relu6(x) if node.relu6 else x


def _by_anchor(x: tf.Tensor, columns: int) -> tf.Tensor:
    """Reshapes a head's map [N, H, W, 6 * columns] to [N, H * W * 6, columns]."""
    return tf.reshape(x, [-1, x.shape[1] * x.shape[2] * anchors.PER_CELL, columns])
