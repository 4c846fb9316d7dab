"""Networks with six maps under the names that TensorFlow 1 gave their variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from train.geometry.ssd_anchors import MAPS, shapes_per_cell
from train.network.multibox_network import MultiboxNetwork

if TYPE_CHECKING:
    import tensorflow as tf

    from train.layers.keras_types import Layer, Model

# What TensorFlow 1 calls the variables of a layer.
_NAMES = {"kernel": "weights", "depthwise_kernel": "depthwise_weights", "bias": "biases"}


class Tf1Multibox(MultiboxNetwork):
    """A network whose published checkpoint is name-based, and whose extras are separable.

    Attributes:
      root: the scope of the feature extractor.
      last: what the names of the extras begin with, which is the layer that they follow.
      lite: whether heads have a depthwise convolution before them.
    """

    class_stems = tuple(f"BoxPredictor_{i}/ClassPredictor/" for i in range(MAPS))
    root: str
    last: str
    lite: bool = False

    def scope(self, layer: str) -> str:
        """TensorFlow 1's name, below `root`, for a convolution of the backbone."""
        raise NotImplementedError

    def classes_in(self, shapes: Mapping[str, Sequence[int]]) -> int | None:
        """By the bias of the first class head, where extras and heads are those of this network."""
        bias = shapes.get("BoxPredictor_0/ClassPredictor/biases")
        extra = f"{self.root}/{self.last}_2_Conv2d_2_3x3_s2_512_depthwise/depthwise_weights"
        lite = "BoxPredictor_0/ClassPredictor_depthwise/depthwise_weights" in shapes
        if bias is None or extra not in shapes or lite != self.lite:
            return None
        return int(bias[0]) // shapes_per_cell(0) - self.background

    def variables(self, model: Model) -> dict[str, tf.Variable]:
        """The names of the published checkpoint."""
        return {
            f"{name}/{_NAMES.get(own, own)}": variable
            for name, layer in self._layers(model)
            for variable in layer.variables
            for own in [variable.name.rsplit("/", 1)[-1].removesuffix(":0")]
        }

    def _layers(self, model: Model) -> Iterator[tuple[str, Layer]]:
        """Each layer with variables, and its name."""
        detector = self.detector(model)
        for layer in detector.features.classification_backbone.layers:
            if layer.variables:
                part = layer.name.removesuffix("_norm")
                yield f"{self.root}/{self.scope(part)}" + ("/BatchNorm" if part != layer.name else ""), layer
        for number, extra in enumerate(detector.features.extras, 2):
            for step, scope in zip(extra.steps, self._extra_scopes(number, *_widths(extra.steps))):
                yield from _pair(f"{self.root}/{scope}", step)
        for head, heads, depthwise in (
            ("BoxEncodingPredictor", detector.box_heads, detector.box_depthwise),
            ("ClassPredictor", detector.class_heads, detector.class_depthwise),
        ):
            for i, layer in enumerate(heads):
                yield f"BoxPredictor_{i}/{head}", layer
            for i, step in enumerate(depthwise):
                yield from _pair(f"BoxPredictor_{i}/{head}_depthwise", step)

    def _extra_scopes(self, number: int, narrow: int, wide: int) -> tuple[str, str, str]:
        second = f"{self.last}_2_Conv2d_{number}_3x3_s2_{wide}"
        return f"{self.last}_1_Conv2d_{number}_1x1_{narrow}", f"{second}_depthwise", second


def _pair(name: str, step: tuple[Layer, Layer]) -> Iterator[tuple[str, Layer]]:
    convolution, norm = step
    yield name, convolution
    yield f"{name}/BatchNorm", norm


def _widths(steps: Sequence[tuple[Layer, Layer]]) -> tuple[int, int]:
    """Channels of an extra's first and last convolution."""
    first, *_, last = (int(norm.variables[0].shape[0]) for _, norm in steps)
    return first, last
