"""Keras base classes and TensorFlow decorators with types.

TensorFlow and Keras 2 come without type information. A type checker sees the interfaces declared here; at run time the
names are the libraries' own classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import tensorflow as tf

_Function = TypeVar("_Function", bound=Callable[..., Any])

if TYPE_CHECKING:
    from train.geometry.size import InputSize
    from train.network.network import Network

    class Layer:
        """The part of `tf_keras.layers.Layer` that the kit uses."""

        name: str
        trainable: bool
        losses: list[tf.Tensor]
        variables: list[tf.Variable]
        trainable_variables: list[tf.Variable]
        non_trainable_variables: list[tf.Variable]

        def __init__(self, *, name: str | None = None) -> None: ...

        def _flatten_layers(self) -> Iterator[Layer]:
            """The layer, and all layers in it."""

        def add_weight(self, name: str, shape: Sequence[int], *, initializer: str) -> tf.Variable:
            """A new variable of the layer."""

        def __call__(self, inputs: tf.Tensor | Sequence[tf.Tensor], training: bool | None = None) -> tf.Tensor:
            """The layer's outputs for `inputs`."""

    class Model(Layer):
        """The part of `tf_keras.Model` that the kit uses."""

        layers: list[Layer]
        network: Network
        size: InputSize
        classes: int

    class BatchNormalization(Layer):
        """The part of `tf_keras.layers.BatchNormalization` that the kit uses."""

        gamma: tf.Variable
        beta: tf.Variable
        moving_mean: tf.Variable
        moving_variance: tf.Variable
        epsilon: float

        def __init__(self, *, momentum: float, epsilon: float, name: str | None = None) -> None: ...

        def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
            """The normalized `inputs`."""

    class Convolution(Layer):
        """The attributes of a `Conv2D`, `DepthwiseConv2D` or `SeparableConv2D` layer that the kit reads.

        A layer has the kernels of its kind only.
        """

        kernel: tf.Variable
        depthwise_kernel: tf.Variable
        pointwise_kernel: tf.Variable
        bias: tf.Variable
        use_bias: bool
        strides: tuple[int, int]

else:
    from tf_keras import Model
    from tf_keras.layers import BatchNormalization, Layer

    Convolution = Layer

__all__ = ["BatchNormalization", "Convolution", "Layer", "Model", "without_autograph"]


def without_autograph(function: _Function) -> _Function:
    """Decorator: TensorFlow traces `function` as it is, without converting its Python branches.

    None of the kit's traced functions branches on a tensor, and the conversion takes seconds of each start.
    """
    converted: _Function = tf.autograph.experimental.do_not_convert(function)
    return converted
