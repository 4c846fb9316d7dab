"""Batch norm folding: makes the nodes of a graph from the layers of a Keras model.

Kernels and biases are computed from the model's variables by TensorFlow operations, so that gradients reach the variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import tensorflow as tf

from train.graph.graph import Node
from train.layers.keras_types import BatchNormalization, Convolution, Layer


class Builder:
    """Collects nodes. Each method adds nodes and returns the name of the last one."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def add(self, node: Node) -> str:
        """Adds `node`."""
        self.nodes.append(node)
        return node.name

    def conv(
        self,
        name: str,
        source: str,
        layer: Convolution,
        norm: BatchNormalization | None = None,
        relu6: bool = False,
        columns: tf.Tensor | None = None,
    ) -> str:
        """Adds the convolution of `layer`, with `norm` folded in. `columns` are the output channels to keep, else all."""
        kernel, bias = folded(layer.kernel, layer.bias if layer.use_bias else None, norm)
        if columns is not None:
            kernel, bias = tf.gather(kernel, columns, axis=3), tf.gather(bias, columns)
        return self.add(Node(name, "conv", (source,), kernel, bias, layer.strides[0], relu6))

    def depthwise(self, name: str, source: str, layer: Convolution, norm: BatchNormalization, relu6: bool) -> str:
        """Adds the depthwise convolution of `layer`, with `norm` folded in."""
        # A depthwise kernel is [kh, kw, in, 1], so that the scale of the batch norm applies to axis 2.
        kernel, bias = folded(tf.transpose(layer.depthwise_kernel, [0, 1, 3, 2]), None, norm)
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
        columns: tf.Tensor | None = None,
    ) -> str:
        """Adds a depthwise and a pointwise convolution. `columns` are the output channels to keep, by default all."""
        kernel = layer.depthwise_kernel
        bias = tf.zeros([kernel.shape[2]])
        depthwise = self.add(Node(f"{name}_depthwise", "depthwise", (source,), tf.convert_to_tensor(kernel), bias, stride))
        kernel, bias = folded(layer.pointwise_kernel, layer.bias if layer.use_bias else None, norm)
        if columns is not None:
            kernel, bias = tf.gather(kernel, columns, axis=3), tf.gather(bias, columns)
        return self.add(Node(f"{name}_pointwise", "conv", (depthwise,), kernel, bias, 1, norm is not None))


def pair(layers: Sequence[Layer]) -> tuple[Convolution, BatchNormalization]:
    """`layers` as what they are, a convolution and its batch norm."""
    convolution, norm = layers
    return cast(Convolution, convolution), cast(BatchNormalization, norm)


def folded(
    kernel: tf.Variable | tf.Tensor, bias: tf.Variable | None, norm: BatchNormalization | None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Kernel [..., out] and bias [out] with `norm`, if any, folded in."""
    kernel = tf.convert_to_tensor(kernel)
    bias = tf.zeros([kernel.shape[-1]]) if bias is None else tf.convert_to_tensor(bias)
    if norm is None:
        return kernel, bias
    scale = norm.gamma * tf.math.rsqrt(norm.moving_variance + norm.epsilon)
    return kernel * scale, (bias - norm.moving_mean) * scale + norm.beta
