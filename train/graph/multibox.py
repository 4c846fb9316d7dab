"""Folding of detectors with six maps and heads of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from train.geometry.head import Head
from train.graph.builder import Builder
from train.graph.graph import Graph
from train.layers.keras_types import BatchNormalization, Convolution, Model
from train.layers.multibox_detector import MultiboxDetector


def fold(model: MultiboxDetector, head: Head, backbone: Callable[[Model, Builder], Sequence[str]]) -> Graph:
    """The graph of `model` in inference mode, whose first nodes are added by `backbone`.

    Kernels and biases are computed from the model's variables by TensorFlow operations, so that gradients reach the
    variables. Nodes of the backbone have the names of its layers, others `extra_2_narrow`, `extra_2_wide`, `boxes_0`,
    `classes_0`, ...
    """
    builder = Builder()
    maps = list(backbone(model.features.classification_backbone, builder))
    for extra in model.features.extras:
        x = maps[-1]
        for convolution, norm in extra.steps:
            x = _normalized(builder, x, convolution, norm)
        maps.append(x)
    boxes, classes = maps, maps
    if model.box_depthwise:
        boxes = [_normalized(builder, x, *step) for x, step in zip(maps, model.box_depthwise)]
        classes = [_normalized(builder, x, *step) for x, step in zip(maps, model.class_depthwise)]
    columns = model.classes + 1
    box_heads = [builder.conv(layer.name, x, layer) for layer, x in zip(model.box_heads, boxes)]
    class_heads = []
    for layer, x, level in zip(model.class_heads, classes, head.levels):
        shapes = range(len(level.shapes))
        foreground = tf.constant([shape * columns + column for shape in shapes for column in range(1, columns)])
        class_heads.append(builder.conv(layer.name, x, layer, columns=foreground))
    return Graph(tuple(builder.nodes), tuple(box_heads), tuple(class_heads), head, model.classes)


def _normalized(builder: Builder, x: str, convolution: Convolution, norm: BatchNormalization) -> str:
    add = builder.depthwise if hasattr(convolution, "depthwise_kernel") else builder.conv
    return add(convolution.name, x, convolution, norm, relu6=True)
