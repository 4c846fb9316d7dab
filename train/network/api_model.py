"""What a `pipeline.config` of the TensorFlow Object Detection API says of a network.

Names and defaults are those of the API's messages (github.com/tensorflow/models, research/object_detection/protos).
What only training uses is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

ACTIVATIONS = {"0": "NONE", "1": "RELU", "2": "RELU_6", "3": "SWISH"}
CONVERTERS = {"0": "IDENTITY", "1": "SIGMOID", "2": "SOFTMAX"}
RESIZES = {"0": "BILINEAR", "1": "NEAREST_NEIGHBOR", "2": "BICUBIC", "3": "AREA"}


@dataclass(frozen=True)
class Setting:
    """A field with its path in the message `ssd`, the API's default, and what the network has.

    `names` are the names of an enumeration's numbers, which may stand for them.
    """

    path: str
    default: str
    wanted: str
    names: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ApiModel:
    """A network as the API's message `ssd` describes it. Paths lie in that message.

    `extractor` is the type of its feature extractor, `predictor` and `generator` are the kinds of its box predictor and
    its anchor generator. `settings` are fields with the network's values, and `ratios` the anchors' aspect ratios in their
    order, which is that of the network's outputs. `needed` are the messages that it must have, `unknown` the fields that it
    must not have.
    """

    extractor: str
    predictor: str
    generator: str
    settings: tuple[Setting, ...]
    ratios: tuple[float, ...]
    needed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def enumerated(path: str, default: str, wanted: str, names: dict[str, str]) -> Setting:
    """The setting of an enumeration with these `names`."""
    return Setting(path, default, wanted, tuple(names.items()))


def truth(path: str, default: bool, wanted: bool) -> Setting:
    """The setting of a boolean."""
    return Setting(path, str(default).lower(), str(wanted).lower())


def hyperparameters(path: str) -> tuple[Setting, ...]:
    """The settings of the message `path` of convolutions with batch norm and ReLU6."""
    return (
        enumerated(f"{path}.activation", "RELU", "RELU_6", ACTIVATIONS),
        truth(f"{path}.force_use_bias", False, False),
        Setting(f"{path}.batch_norm.epsilon", "0.001", "0.001"),
        truth(f"{path}.batch_norm.scale", False, True),
        truth(f"{path}.batch_norm.center", True, True),
    )
