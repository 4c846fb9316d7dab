"""What a detector's file says of its input, its boxes and its threshold, checked for what the runtime can use."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

import numpy as np

from runtime.common.errors import InputError
from runtime.inference import decoders, preprocessing
from runtime.model import output_order
from runtime.model.metadata import Metadata, TensorMetadata
from runtime.model.ports import Port
from runtime.model.tflite import Model

# The positions of left, top, right and bottom in a box ymin, xmin, ymax, xmax.
BOX_INDEX = (1, 0, 3, 2)

DEFAULT_SCORE = 0.5

CHANNELS = 3

_INPUT_TYPES = ("uint8", "int8", "float32")


def check_operators(model: Model) -> None:
    """Raises InputError for a model that needs TensorFlow's own operators."""
    names = {step.custom_name for step in model.main.operators}
    flex = sorted(name for name in names if name.startswith("Flex"))
    if flex:
        raise InputError(
            f"{model.where}: needs TensorFlow's own operators ({', '.join(flex[:3])}); "
            "convert it with built-in operators only"
        )


def image_input(where: str, inputs: Sequence[Port], batches: bool) -> Port:
    """The input that takes images, of several at once only with `batches`. Raises InputError where there is none; `where` names the file."""
    if len(inputs) != 1:
        raise InputError(f"{where}: has {len(inputs)} inputs; a detector has one, an image")
    port = inputs[0]
    listed = f"{port.name} {list(port.signature or port.shape)} {port.dtype.name}"
    if len(port.shape) == 4 and port.shape[0] > 1 and CHANNELS in (port.shape[3], port.shape[1]) and not batches:
        raise InputError(
            f"{where}: its input is {listed}, {port.shape[0]} images at once; only files that end before their "
            "post-processing are read with more than one (python -m convert --raw-head --batch N)"
        )
    if len(port.shape) != 4 or port.shape[0] < 1 or CHANNELS not in (port.shape[3], port.shape[1]):
        raise InputError(f"{where}: its input is {listed}; a detector takes one image [1, height, width, 3]")
    if any(side < 1 for side in port.shape) or any(side < 0 for side in port.signature[1:]):
        raise InputError(f"{where}: its input {listed} has no fixed size; convert it with a fixed height and width")
    if port.dtype.name not in _INPUT_TYPES:
        raise InputError(f"{where}: its input is {listed}; a detector takes {', '.join(_INPUT_TYPES[:-1])} or float32")
    return port


def threshold(metadata: Optional[Metadata]) -> float:
    """The score, 0..1, from which detections count: that in the metadata, else DEFAULT_SCORE."""
    thresholds = [output.score_threshold for output in metadata.outputs] if metadata else []
    known = [value for value in thresholds if value is not None and 0 <= value <= 1]
    return known[0] if known else DEFAULT_SCORE


def normalization(
    model: Model, metadata: Optional[Metadata], decoding: Optional[decoders.Decoding]
) -> Tuple[Sequence[float], Sequence[float]]:
    """Mean and standard deviation by which pixel values are encoded, one number or three each. Raises InputError for others."""
    usual = (decoding.mean, decoding.std) if decoding and decoding.std else (preprocessing.MEAN, preprocessing.STD)
    if metadata is None or not metadata.inputs:
        return usual
    image = metadata.inputs[0]
    if not image.mean and not image.std:
        return usual
    if not _usable(image):
        raise InputError(
            f"{model.where}: its metadata says mean {list(image.mean)} and std {list(image.std)}; "
            "each needs one number or three, and no std of 0"
        )
    return image.mean, image.std


def _usable(image: TensorMetadata) -> bool:
    numbers = (*image.mean, *image.std)
    return (
        len(image.mean) in (1, 3)
        and len(image.std) in (1, 3)
        and bool(np.all(np.isfinite(numbers)))
        and all(value != 0 for value in image.std)
    )


def box_index(model: Model, metadata: Optional[Metadata], order: Optional[output_order.Order]) -> List[int]:
    """The positions of left, top, right and bottom in a box of the model. Raises InputError for boxes of another kind."""
    if metadata is None or output_order.from_graph(model.main) is not None:
        return list(BOX_INDEX)
    layouts = [output.boxes for output in metadata.outputs if output.boxes is not None]
    if not layouts:
        return list(BOX_INDEX)
    layout = layouts[0]
    if layout.type not in ("BOUNDARIES", "UNKNOWN") or layout.coordinates != "RATIO":
        raise InputError(
            f"{model.where}: its boxes are {layout.type} in {layout.coordinates}; "
            "only BOUNDARIES in RATIO can be read"
        )
    if not layout.index:
        return list(BOX_INDEX)
    if sorted(layout.index) != [0, 1, 2, 3]:
        raise InputError(f"{model.where}: its metadata orders a box's sides as {list(layout.index)}")
    return list(layout.index)
