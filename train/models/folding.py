"""The detector with its batch norms folded into its convolutions, as a list of plain operations.

This is what is converted, and what quantisation-aware training trains: in both the same operations
in the same order, so that nothing is trained that is not converted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from train.models import anchors
from train.models.ssd_mobilenet_v2_fpnlite import TOWER_LAYERS, Detector, upsample


@dataclass(frozen=True, eq=False)
class Node:
    """One operation.

    `kind` is "conv", "depthwise", "add" or "upsample"; `inputs` are names of earlier nodes or
    "image". Convolutions pad SAME and have a kernel ([kh, kw, in, out]; depthwise [kh, kw, in, 1])
    and a bias [out]; where `relu6`, the activation belongs to the operation.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    kernel: tf.Tensor | np.ndarray | None = None
    bias: tf.Tensor | np.ndarray | None = None
    stride: int = 1
    relu6: bool = False


@dataclass(frozen=True, eq=False)
class Graph:
    """Operations in the order of execution, and the names of each level's two heads, level 3 first.

    A class head gives `columns` logits an anchor: one for each class, without the background column
    that training keeps; nothing reads it after training.
    """

    nodes: tuple[Node, ...]
    box_heads: tuple[str, ...]
    class_heads: tuple[str, ...]
    size: int
    columns: int

    def find(self, name: str) -> Node | None:
        """The node of that name; None for "image"."""
        return next((node for node in self.nodes if node.name == name), None)

    def with_nodes(self, changed: Mapping[str, Node]) -> Graph:
        """The graph with some nodes replaced, by name."""
        return replace(self, nodes=tuple(changed.get(node.name, node) for node in self.nodes))

    def run(self, image: tf.Tensor, observe: Callable[[str, tf.Tensor], tf.Tensor] = lambda name, x: x):
        """Runs on float32 [N, size, size, 3] in -1..1.

        Every tensor, "image" first, passes through `observe(name, tensor)`, whose result the later
        operations see. Returns box codes and class logits, each a list with one tensor a level:
        [N, cells * 6, 4] and [N, cells * 6, columns].
        """
        values = {"image": observe("image", image)}
        for node in self.nodes:
            values[node.name] = observe(node.name, execute(node, [values[name] for name in node.inputs]))
        codes = [_by_anchor(values[name], 4) for name in self.box_heads]
        logits = [_by_anchor(values[name], self.columns) for name in self.class_heads]
        return codes, logits

    def frozen(self) -> Graph:
        """The graph with its kernels and biases as arrays, no longer tied to a model's variables."""
        convolutions = [node for node in self.nodes if node.kernel is not None]
        return self.with_nodes(
            {node.name: replace(node, kernel=np.asarray(node.kernel), bias=np.asarray(node.bias)) for node in convolutions}
        )


def fold(model: Detector) -> Graph:
    """The graph of `model` in inference mode.

    Kernels and biases are computed from the model's variables by TensorFlow operations, so that
    gradients reach the variables. Names: `stem`, `block_3_expand`, `block_3_add`, `projection_2`,
    `smoothing_1_depthwise`, `tower_0_level_3_pointwise`, `boxes_level_3_pointwise`, ...
    """
    builder = _Builder()
    c3, c4, c5 = _backbone(model, builder)
    features = _pyramid(model, builder, c3, c4, c5)
    for level, (convolution, norm) in zip((6, 7), model._feature_extractor._coarse_feature_layers):
        features.append(builder.separable(f"coarse_{level}", features[-1], convolution, norm, stride=2))
    box_heads, class_heads = _predictor(model, builder, features)
    return Graph(tuple(builder.nodes), box_heads, class_heads, model.size, model.classes)


class _Builder:
    """Collects nodes; each method returns the name of what it added."""

    def __init__(self):
        self.nodes: list[Node] = []

    def add(self, node: Node) -> str:
        self.nodes.append(node)
        return node.name

    def conv(self, name: str, source: str, layer, norm=None, relu6: bool = False) -> str:
        kernel, bias = _folded(layer.kernel, layer.bias if layer.use_bias else None, norm)
        return self.add(Node(name, "conv", (source,), kernel, bias, layer.strides[0], relu6))

    def depthwise(self, name: str, source: str, layer, norm, relu6: bool) -> str:
        # A depthwise kernel is [kh, kw, in, 1]: the norm's scale belongs to axis 2.
        kernel, bias = _folded(tf.transpose(layer.depthwise_kernel, [0, 1, 3, 2]), None, norm)
        return self.add(
            Node(name, "depthwise", (source,), tf.transpose(kernel, [0, 1, 3, 2]), bias, layer.strides[0], relu6)
        )

    def separable(self, name: str, source: str, layer, norm=None, stride: int = 1, columns=None) -> str:
        """`columns`: indices of the output channels to keep, all by default."""
        kernel = layer.depthwise_kernel
        bias = tf.zeros([kernel.shape[2]])
        depthwise = self.add(Node(f"{name}_depthwise", "depthwise", (source,), tf.convert_to_tensor(kernel), bias, stride))
        kernel, bias = _folded(layer.pointwise_kernel, layer.bias if layer.use_bias else None, norm)
        if columns is not None:
            kernel, bias = tf.gather(kernel, columns, axis=3), tf.gather(bias, columns)
        return self.add(Node(f"{name}_pointwise", "conv", (depthwise,), kernel, bias, 1, norm is not None))


def _folded(kernel, bias, norm) -> tuple[tf.Tensor, tf.Tensor]:
    """Kernel [..., out] and bias [out] with the batch norm `norm` (or None) folded in."""
    kernel = tf.convert_to_tensor(kernel)
    bias = tf.zeros([kernel.shape[-1]]) if bias is None else tf.convert_to_tensor(bias)
    if norm is None:
        return kernel, bias
    scale = norm.gamma * tf.math.rsqrt(norm.moving_variance + norm.epsilon)
    return kernel * scale, (bias - norm.moving_mean) * scale + norm.beta


def _backbone(model: Detector, builder: _Builder) -> tuple[str, str, str]:
    backbone = model._feature_extractor.classification_backbone
    layers = {layer.name: layer for layer in backbone.layers}

    def norm(name):
        return layers[f"{name}_norm"]

    x = builder.conv("stem", "image", layers["stem"], norm("stem"), relu6=True)
    levels, index = {}, 0
    while f"block_{index}_project" in layers:
        name, skip = f"block_{index}", x
        if f"{name}_expand" in layers:
            x = builder.conv(f"{name}_expand", x, layers[f"{name}_expand"], norm(f"{name}_expand"), relu6=True)
        x = builder.depthwise(f"{name}_depthwise", x, layers[f"{name}_depthwise"], norm(f"{name}_depthwise"), relu6=True)
        x = builder.conv(f"{name}_project", x, layers[f"{name}_project"], norm(f"{name}_project"))
        if f"{name}_add" in layers:
            x = builder.add(Node(f"{name}_add", "add", (skip, x)))
        levels[index] = x
        index += 1
    return levels[5], levels[12], builder.conv("last", x, layers["last"], norm("last"), relu6=True)


def _pyramid(model: Detector, builder: _Builder, c3: str, c4: str, c5: str) -> list[str]:
    pyramid = model._feature_extractor._fpn_features_generator
    features = [builder.conv("projection_3", c5, pyramid.top_layers[0])]
    for number, source, (lateral,), layers in zip((2, 1), (c4, c3), pyramid.residual_blocks, pyramid.conv_layers):
        up = builder.add(Node(f"upsample_{number}", "upsample", (features[0],)))
        side = builder.conv(f"projection_{number}", source, lateral)
        total = builder.add(Node(f"sum_{number}", "add", (up, side)))
        features.insert(0, builder.separable(f"smoothing_{number}", total, *layers))
    return features


def _predictor(model: Detector, builder: _Builder, features: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    predictor = model._box_predictor
    towers = predictor._base_tower_layers_for_heads["box_encodings"]
    box_layer = predictor._box_prediction_head._box_encoder_layers[0]
    head = predictor._prediction_heads["class_predictions_with_background"]
    foreground = [
        anchor * (model.classes + 1) + column for anchor in range(anchors.PER_CELL) for column in range(1, model.classes + 1)
    ]
    box_heads, class_heads = [], []
    for level, x, tower in zip(anchors.LEVELS, features, towers):
        for i in range(TOWER_LAYERS):
            x = builder.separable(f"tower_{i}_level_{level}", x, tower[3 * i], tower[3 * i + 1])
        box_heads.append(builder.separable(f"boxes_level_{level}", x, box_layer))
        class_heads.append(
            builder.separable(f"classes_level_{level}", x, head._class_predictor_layers[0], columns=foreground)
        )
    return tuple(box_heads), tuple(class_heads)


def execute(node: Node, inputs: Iterable[tf.Tensor]) -> tf.Tensor:
    """What `node` makes of its `inputs`, [N, H, W, C] each, in float32."""
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
    """A head's map [N, H, W, 6 * columns] as [N, H * W * 6, columns]."""
    return tf.reshape(x, [-1, x.shape[1] * x.shape[2] * anchors.PER_CELL, columns])
