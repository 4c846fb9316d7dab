"""A convolution with batch norm and leaky ReLU as PyTorch computes it, the unit of which NanoDet-Plus is made.

PyTorch pads both ends of an axis by half of the kernel. With stride 2, TensorFlow's SAME padding places the windows of
an even side one pixel further on; so the padding is explicit there.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from train.layers.keras_types import Convolution, Layer
from train.layers.layers import BatchNormSettings

# That of PyTorch's BatchNorm2d.
EPSILON = 1e-5
# Of the leaky ReLU, below zero.
SLOPE = 0.1


class ConvNorm(Layer):
    """A convolution without bias, and its batch norm: float32 [N, H, W, C] to [N, ceil(H/stride), ceil(W/stride), F].

    `keys` are the names that convolution and batch norm have in the published checkpoint. With `activation`, a leaky
    ReLU follows. `filters` None stands for a depthwise convolution.
    """

    def __init__(
        self,
        keys: tuple[str, str],
        filters: int | None,
        kernel: int,
        stride: int = 1,
        *,
        norms: BatchNormSettings,
        activation: bool = True,
    ):
        super().__init__(name=keys[0].replace(".", "_"))
        self.keys = keys
        self.stride = stride
        self.activation = activation
        self._pad = kernel // 2 if stride > 1 else 0
        self.convolution = _convolution(filters, kernel, stride)
        self.norm = norms.layer()

    @property
    def is_depthwise(self) -> bool:
        """Whether each channel has a kernel of its own."""
        return hasattr(self.convolution, "depthwise_kernel")

    @property
    def kernel(self) -> tf.Variable:
        """The kernel, [kh, kw, in, out], or [kh, kw, in, 1] of a depthwise convolution."""
        return self.convolution.depthwise_kernel if self.is_depthwise else self.convolution.kernel

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The output map for `x`."""
        if self._pad:
            x = tf.pad(x, [[0, 0], [self._pad] * 2, [self._pad] * 2, [0, 0]])
        x = self.norm(self.convolution(x), training=training)
        return leaky_relu(x) if self.activation else x


def _convolution(filters: int | None, kernel: int, stride: int) -> Convolution:
    # With stride 1 and an odd kernel, SAME pads as PyTorch does.
    padding = "valid" if stride > 1 else "same"
    common = {"strides": stride, "padding": padding, "use_bias": False}
    layer: Convolution = (
        tf_keras.layers.DepthwiseConv2D(kernel, depthwise_initializer="he_uniform", **common)
        if filters is None
        else tf_keras.layers.Conv2D(filters, kernel, kernel_initializer="he_normal", **common)
    )
    return layer


class Separable(Layer):
    """A depthwise and a pointwise convolution, each with batch norm and leaky ReLU.

    `key` is what the names of the four published parts begin with.
    """

    def __init__(self, key: str, filters: int, kernel: int, stride: int = 1, *, norms: BatchNormSettings):
        super().__init__(name=key.replace(".", "_"))
        self.units = (
            ConvNorm((f"{key}.depthwise", f"{key}.dwnorm"), None, kernel, stride, norms=norms),
            ConvNorm((f"{key}.pointwise", f"{key}.pwnorm"), filters, 1, norms=norms),
        )

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The output map for `x`."""
        return chain(self.units, x, training)


def chain(layers: Sequence[Layer], x: tf.Tensor, training: bool) -> tf.Tensor:
    """`x` after one of `layers` after the other."""
    for layer in layers:
        x = layer(x, training=training)
    return x


def leaky_relu(x: tf.Tensor) -> tf.Tensor:
    """`x`, where negative a tenth of it."""
    return tf.nn.leaky_relu(x, SLOPE)


def units(layer: Layer) -> list[ConvNorm]:
    """The convolutions with batch norm in `layer`, in the order in which they were made."""
    return [part for part in layer._flatten_layers() if isinstance(part, ConvNorm)]
