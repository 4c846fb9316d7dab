"""Finds out which output of a detector has the boxes, classes, scores and count.

Exporters order and name the four outputs differently, so the position alone says nothing. Tried in this order: the
connections of the graph, which are always right; the names in the metadata; the names in the signature; and the shapes
and values of the outputs.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from runtime.common.errors import InputError
from runtime.model import foreign_outputs
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model, Operator, Signature, Subgraph

POSTPROCESS = "TFLite_Detection_PostProcess"

# The order of the outputs of the post-processing operation:
# tensorflow/lite/kernels/detection_postprocess.cc
ROLES = ("boxes", "classes", "scores", "count")

_NAMES = {
    "location": "boxes",
    "locations": "boxes",
    "boxes": "boxes",
    "detection_boxes": "boxes",
    "category": "classes",
    "categories": "classes",
    "class": "classes",
    "classes": "classes",
    "detection_classes": "classes",
    "score": "scores",
    "scores": "scores",
    "detection_scores": "scores",
    "count": "count",
    "number of detections": "count",
    "num_detections": "count",
}

# Names given by the TF2 exporter of the Object Detection API, which are numbered.
_EXPORTER_NAMES = {"output_0": "count", "output_1": "scores", "output_2": "classes", "output_3": "boxes"}

# The operation that keeps detections in a file whose post-processing is built-in operations, and what makes the values
# it keeps: see convert/file/builtin_postprocessing.py.
SUPPRESSION = "NON_MAX_SUPPRESSION_V4"
_MAKERS = {"CONCATENATION": "boxes", "LOGISTIC": "scores", "CAST": "classes"}

# Operations that do not change the meaning of an output.
_TRANSPARENT = {"CAST", "DEQUANTIZE", "EXPAND_DIMS", "QUANTIZE", "RESHAPE", "SQUEEZE"}

Shape = Tuple[int, ...]


@dataclass(frozen=True)
class Order:
    """The position of each of the four outputs of a model."""

    boxes: int
    classes: int
    scores: int
    count: int


def find(model: Model, metadata: Optional[Metadata], shapes: Sequence[Shape]) -> Optional[Order]:
    """The order of the outputs; None where only their values can tell (`from_values`).

    `shapes` are the shapes of the outputs in the interpreter; an empty shape, or one with a dimension below 1, is not
    known before the model runs. Raises InputError where the model cannot be a detector.
    """
    check_count(model)
    order = from_graph(model.main)
    if order is not None:
        return order
    for order in (from_metadata(metadata), from_signatures(model)):
        if order is not None and _fits(order, shapes):
            return order
    if all(_known(shape) for shape in shapes) and _by_shape(shapes) is None:
        raise not_a_detector(model, shapes)
    return None


def check_count(model: Model) -> None:
    """Raises InputError unless the model has four outputs."""
    if len(model.main.outputs) != len(ROLES):
        raise not_a_detector(model)


def not_a_detector(model: Model, shapes: Sequence[Shape] = ()) -> InputError:
    """The error for a model whose outputs are not those of a detector; it lists both."""
    tensors = [model.main.tensors[index] for index in model.main.outputs]
    sizes = [list(shape) for shape in shapes] or [list(tensor.signature or tensor.shape) for tensor in tensors]
    listed = ", ".join(f"{tensor.name} {size}" for tensor, size in zip(tensors, sizes)) or "none"
    kind = foreign_outputs.describe([tuple(size) for size in sizes])
    what = "not a detector" if "detector" not in kind and "anchors" not in kind else "not a detector with post-processing"
    likely = f"; this is likely {kind}, which this kit does not decode: {foreign_outputs.advice(kind)}"
    return InputError(
        f"{model.where}: {what}: its outputs are {listed}; a detector has four: "
        f"boxes [1, N, 4], classes [1, N], scores [1, N] and a count [1]{likely if kind else ''}"
    )


def from_graph(graph: Subgraph) -> Optional[Order]:
    """The order by the connections of `graph`: each output is followed back to what post-processes detections.

    None where an output does not come from there.
    """
    source = {tensor: step for step in graph.operators for tensor in step.outputs}
    roles: Dict[str, int] = {}
    for position, tensor in enumerate(graph.outputs):
        # Each step goes back by one operation; more steps than operations would be a cycle.
        for _ in range(len(graph.operators) + 1):
            step = source.get(tensor)
            if step is None or step.name not in _TRANSPARENT or not step.inputs:
                break
            tensor = step.inputs[0]
        role = _role(step, tensor, source) if step is not None else None
        if role is None:
            return None
        roles[role] = position
    return _order(roles)


def _role(step: Operator, tensor: int, source: Mapping[int, Operator]) -> Optional[str]:
    """What `tensor` is, which `step` makes; None where that is no post-processing."""
    if step.custom_name == POSTPROCESS:
        place = step.outputs.index(tensor)
        return ROLES[place] if place < len(ROLES) else None
    if step.name == SUPPRESSION:
        return "count" if step.outputs.index(tensor) == 1 else None
    # What is behind the count is made zero by a multiplication.
    gather = source.get(step.inputs[0]) if step.name == "MUL" else None
    if gather is None or gather.name != "GATHER" or len(gather.inputs) != 2:
        return None
    keeper, maker = source.get(gather.inputs[1]), source.get(gather.inputs[0])
    if keeper is None or maker is None or keeper.name != SUPPRESSION:
        return None
    return _MAKERS.get(maker.name)


def from_metadata(metadata: Optional[Metadata]) -> Optional[Order]:
    """The order by the names of the outputs in the metadata; None where they do not tell."""
    if metadata is None:
        return None
    return _by_name([output.name for output in metadata.outputs], _NAMES)


def from_signatures(model: Model) -> Optional[Order]:
    """The order by the names of the outputs in a signature: words, or `output_0` to `output_3` of the exporter."""
    for signature in model.signatures:
        if signature.subgraph == 0:
            order = _from_signature(signature, model.main.outputs)
            if order is not None:
                return order
    return None


def from_values(arrays: Sequence[np.ndarray]) -> Optional[Order]:
    """The order by the shapes and values of the outputs `arrays`.

    Boxes have three dimensions and the count has one element. Of the two others, classes are integers, and scores lie
    in 0..1 and decrease. None where the shapes are not those of a detector, or where the values fit both ways, as for
    an image without detections.
    """
    found = _by_shape([array.shape for array in arrays])
    if found is None:
        return None
    boxes, count, pair = found
    total = int(np.clip(np.nan_to_num(arrays[count].reshape(-1)[0]), 0, arrays[pair[0]].size))
    used = [arrays[i].reshape(-1)[:total] for i in pair]
    fitting = [
        (classes, scores)
        for classes, scores in ((0, 1), (1, 0))
        if _like_classes(used[classes]) and _like_scores(used[scores])
    ]
    if len(fitting) != 1:
        return None
    classes, scores = fitting[0]
    return Order(boxes, pair[classes], pair[scores], count)


def _from_signature(signature: Signature, outputs: Sequence[int]) -> Optional[Order]:
    names = {tensor: name for name, tensor in signature.outputs.items()}
    ordered = [names.get(tensor, "") for tensor in outputs]
    return _by_name(ordered, _NAMES) or _by_name(ordered, _EXPORTER_NAMES)


def _by_name(names: Sequence[str], meaning: Mapping[str, str]) -> Optional[Order]:
    roles: Dict[str, int] = {}
    for position, name in enumerate(names):
        role = meaning.get(name.strip().lower())
        if role is None or role in roles:
            return None
        roles[role] = position
    return _order(roles)


def _order(roles: Mapping[str, int]) -> Optional[Order]:
    return Order(**roles) if set(roles) == set(ROLES) else None


def _known(shape: Shape) -> bool:
    return bool(shape) and min(shape) > 0


def _fits(order: Order, shapes: Sequence[Shape]) -> bool:
    """Whether `order` agrees with the shapes that are known."""
    boxes, count = shapes[order.boxes], shapes[order.count]
    if _known(boxes) and not (len(boxes) == 3 and boxes[-1] == 4):
        return False
    return not _known(count) or int(np.prod(count)) == 1


def _by_shape(shapes: Sequence[Shape]) -> Optional[Tuple[int, int, List[int]]]:
    """(boxes, count, [the two others]); None where the shapes are not those of a detector."""
    for boxes, count in itertools.permutations(range(len(shapes)), 2):
        rest = [i for i in range(len(shapes)) if i not in (boxes, count)]
        box_shape, count_shape = shapes[boxes], shapes[count]
        if len(box_shape) != 3 or box_shape[-1] != 4 or int(np.prod(count_shape)) != 1:
            continue
        # With room for one detection, classes, scores and count all have one element; the count is then the one
        # with fewer dimensions.
        if all(shapes[i][-2:] == (1, box_shape[1]) and len(count_shape) < len(shapes[i]) for i in rest):
            return boxes, count, rest
    return None


def _like_classes(values: np.ndarray) -> bool:
    return bool(np.all(values >= 0) and np.all(values == np.round(values)))


def _like_scores(values: np.ndarray) -> bool:
    return bool(np.all((values >= 0) & (values <= 1)) and np.all(np.diff(values) <= 1e-6))
