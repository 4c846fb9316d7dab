"""The building blocks that backbone, pyramid and predictor share."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf
import tf_keras

# Keras's l2(x) has no factor 1/2: this is the published 4e-5 with it.
_L2 = 2e-5
_NORMAL_STDDEV = 0.01
EPSILON = 1e-3


@dataclass(frozen=True)
class Normalisation:
    """How batch norm keeps its statistics: the momentum of their moving averages.

    `frozen` normalises by the stored statistics in training too, and leaves them as they are;
    scale and centre go on learning.
    """

    momentum: float = 0.997
    frozen: bool = False

    def layer(self, name: str | None = None) -> BatchNorm:
        return BatchNorm(self.frozen, momentum=self.momentum, epsilon=EPSILON, name=name)


class BatchNorm(tf_keras.layers.BatchNormalization):
    """Batch norm whose statistics can be frozen while scale and centre learn.

    Keras freezes all four variables of a layer or none.
    """

    def __init__(self, frozen: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.frozen = frozen

    def call(self, inputs, training=None):
        return super().call(inputs, training=bool(training) and not self.frozen)


def l2() -> tf_keras.regularizers.Regularizer:
    return tf_keras.regularizers.l2(_L2)


def normal() -> tf_keras.initializers.Initializer:
    return tf_keras.initializers.RandomNormal(stddev=_NORMAL_STDDEV)


def conv(filters: int, kernel: int = 1, stride: int = 1, bias: bool = False, name: str | None = None):
    """A convolution with SAME padding, normal(0, 0.01) initial values and L2."""
    return tf_keras.layers.Conv2D(
        filters,
        kernel,
        stride,
        padding="same",
        use_bias=bias,
        kernel_initializer=normal(),
        kernel_regularizer=l2(),
        name=name,
    )


def depthwise(stride: int = 1, name: str | None = None):
    """A 3x3 depthwise convolution with SAME padding and no bias."""
    return tf_keras.layers.DepthwiseConv2D(
        3,
        stride,
        padding="same",
        use_bias=False,
        depthwise_initializer=normal(),
        depthwise_regularizer=l2(),
        name=name,
    )


def separable(filters: int, stride: int = 1, head: bool = False, bias_start: float = 0.0, name: str | None = None):
    """A 3x3 separable convolution with SAME padding.

    Pointwise kernels keep Glorot-uniform values and no L2. A `head` has a bias that starts at
    `bias_start`, and its depthwise kernel is Glorot-uniform without L2 too.
    """
    return tf_keras.layers.SeparableConv2D(
        filters,
        3,
        stride,
        padding="same",
        use_bias=head,
        bias_initializer=tf_keras.initializers.Constant(bias_start),
        depthwise_initializer="glorot_uniform" if head else normal(),
        depthwise_regularizer=None if head else l2(),
        name=name,
    )


def relu6(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu6(x)
