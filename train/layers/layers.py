"""Layers that the backbone, the feature pyramid and the predictor share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf
import tf_keras

from train.layers.keras_types import BatchNormalization, Convolution

# The published weight decay is 4e-5 with a factor 1/2, which the l2(x) of Keras does not have.
_L2 = 2e-5
EPSILON = 1e-3


@dataclass(frozen=True)
class BatchNormSettings:
    """Settings of all batch norm layers.

    `momentum` is the momentum of the moving averages of mean and variance, `epsilon` is added to the variance. With
    `frozen`, training normalizes by the stored mean and variance and does not update them; scale and offset are trained
    either way.
    """

    momentum: float = 0.997
    frozen: bool = False
    epsilon: float = EPSILON

    def layer(self, name: str | None = None, epsilon: float | None = None) -> BatchNorm:
        """A new batch norm layer with these settings, or another `epsilon`."""
        value = self.epsilon if epsilon is None else epsilon
        return BatchNorm(self.frozen, momentum=self.momentum, epsilon=value, name=name)


class BatchNorm(BatchNormalization):
    """Batch norm whose mean and variance can be frozen while scale and offset are trained.

    Keras can only freeze all four variables of a layer.
    """

    def __init__(self, frozen: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.frozen = frozen

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Normalizes `inputs` [N, H, W, C]."""
        return super().call(inputs, training=bool(training) and not self.frozen)


@dataclass(frozen=True)
class Kernels:
    """How kernels start and what keeps them small.

    Initial values are normal with mean 0 and standard deviation `stddev`, with `truncated` within two of them; with
    `stddev` None they are those of He et al. 2015. All have L2 regularization but, without `depthwise_l2`, depthwise ones.
    """

    stddev: float | None = 0.01
    truncated: bool = False
    depthwise_l2: bool = True

    def initializer(self) -> tf_keras.initializers.Initializer:
        """A new initializer."""
        if self.stddev is None:
            return tf_keras.initializers.HeNormal()
        kind = tf_keras.initializers.TruncatedNormal if self.truncated else tf_keras.initializers.RandomNormal
        return kind(stddev=self.stddev)


def l2() -> tf_keras.regularizers.Regularizer:
    """L2 regularizer with the published weight."""
    return tf_keras.regularizers.l2(_L2)


def conv(
    filters: int,
    kernel: int = 1,
    stride: int = 1,
    bias: bool = False,
    name: str | None = None,
    kernels: Kernels = Kernels(),
    bias_start: float = 0.0,
) -> Convolution:
    """A convolution with SAME padding and L2 regularization."""
    layer: Convolution = tf_keras.layers.Conv2D(
        filters,
        kernel,
        stride,
        padding="same",
        use_bias=bias,
        bias_initializer=tf_keras.initializers.Constant(bias_start),
        kernel_initializer=kernels.initializer(),
        kernel_regularizer=l2(),
        name=name,
    )
    return layer


def depthwise(
    stride: int = 1, name: str | None = None, kernels: Kernels = Kernels(), kernel: int = 3
) -> Convolution:
    """A depthwise convolution with SAME padding and no bias."""
    layer: Convolution = tf_keras.layers.DepthwiseConv2D(
        kernel,
        stride,
        padding="same",
        use_bias=False,
        depthwise_initializer=kernels.initializer(),
        depthwise_regularizer=l2() if kernels.depthwise_l2 else None,
        name=name,
    )
    return layer


def separable(
    filters: int, stride: int = 1, head: bool = False, bias_start: float = 0.0, name: str | None = None
) -> Convolution:
    """A 3x3 separable convolution with SAME padding.

    The pointwise kernel is initialized Glorot-uniform and has no L2 regularization. A `head` has a bias, initialized
    to `bias_start`, and its depthwise kernel is Glorot-uniform without L2 regularization too.
    """
    layer: Convolution = tf_keras.layers.SeparableConv2D(
        filters,
        3,
        stride,
        padding="same",
        use_bias=head,
        bias_initializer=tf_keras.initializers.Constant(bias_start),
        depthwise_initializer="glorot_uniform" if head else Kernels().initializer(),
        depthwise_regularizer=None if head else l2(),
        name=name,
    )
    return layer


def relu6(x: tf.Tensor) -> tf.Tensor:
    """`x` limited to 0..6."""
    return tf.nn.relu6(x)
