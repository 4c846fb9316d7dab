"""Tells apart the single outputs of YOLO-style detectors by their shape, and by what the file says of itself.

Layouts, as their exporters document them (https://docs.ultralytics.com/modes/export): YOLOv8, v11 and alike give
[1, 4 + classes, anchors]; YOLOv5 and v7 give [1, anchors, 5 + classes], whose fifth value is the score of any object;
converters may have turned either. Exports with their own suppression, and those of YOLOv10 and YOLO26, give
[1, detections, 6].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

from runtime.common.errors import InputError
from runtime.inference.decoders import Network
from runtime.model import labels, yolo_export

# Anchors lie in cells of these pixels; large networks have the last, too.
_STRIDES = (8, 16, 32, 64)
# So many anchors has each cell of networks with a score of any object.
_PER_CELL = 3

_LEAST_ANCHORS = 16

# Rows of an export with suppression: as many as its documentation allows and uses, and what it leaves in the graph.
_ROW = 6
_MOST_ROWS, _USUAL_ROWS = 1000, (100, 300)
_SUPPRESSING = {"TOPK_V2", "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5"}

# COCO's 80 classes: what files without a description most likely tell apart.
_COCO = 80


@dataclass(frozen=True)
class Dense:
    """One row of values for each anchor. With `turned`, the rows are columns: [1, values, anchors].

    With `objectness` the fifth value is the score of any object. `height` and `width` are those of the input.
    """

    anchors: int
    classes: int
    turned: bool
    objectness: bool
    height: int
    width: int

    @property
    def first(self) -> int:
        """The position of the first class's score."""
        return 5 if self.objectness else 4


@dataclass(frozen=True)
class Rows:
    """Rows of xmin, ymin, xmax, ymax, score and class: [1, detections, 6]."""

    height: int
    width: int


def dense(network: Network) -> Optional[Dense]:
    """The layout of a network that ends before its suppression; None where it is none.

    Raises InputError where it is a network for something else than boxes.
    """
    sizes = _sizes(network)
    if sizes is None or rows(network) is not None:
        return None
    left, right, height, width = sizes
    counts = _anchor_counts(height, width)
    names = _names(network)
    turned = _is_turned(left, right, counts, names)
    values, anchors = (left, right) if turned else (right, left)
    if values < 5 or anchors < _LEAST_ANCHORS:
        return None
    fits = names is None or values in (names + 4, names + 5)
    # Labels in TFLite Metadata may be those of any network.
    if not fits and yolo_export.names(network.model) is None:
        return None
    _check_task(network)
    objectness = _has_objectness(network, values, anchors, turned, counts, names)
    classes = values - (5 if objectness else 4)
    return Dense(anchors, classes, turned, objectness, height, width) if classes > 0 else None


def rows(network: Network) -> Optional[Rows]:
    """The layout of a network that ends with its suppression; None where it is none.

    Raises InputError where it is a network for something else than boxes.
    """
    sizes = _sizes(network)
    if sizes is None:
        return None
    count, values, height, width = sizes
    if values != _ROW or count > _MOST_ROWS or count in _anchor_counts(height, width):
        return None
    suppressing = any(step.name in _SUPPRESSING for step in network.model.main.operators)
    if count not in _USUAL_ROWS and not suppressing:
        return None
    _check_task(network)
    return Rows(height, width)


def _sizes(network: Network) -> Optional[Tuple[int, int, int, int]]:
    """The two sizes of the only output, and height and width of the only input, an image."""
    if len(network.outputs) != 1 or len(network.inputs) != 1:
        return None
    image, output = network.inputs[0].shape, network.outputs[0].shape
    if len(image) != 4 or len(output) != 3 or output[0] != image[0]:
        return None
    height, width = image[1:3] if image[3] == 3 else image[2:4]
    return output[1], output[2], height, width


def _anchor_counts(height: int, width: int) -> Sequence[int]:
    """How many anchors networks for such an input have: of three sizes of cells or four, one in a cell or three."""
    cells = [-(-height // stride) * -(-width // stride) for stride in _STRIDES]
    once = [sum(cells[:3]), sum(cells)]
    return [*once, *(_PER_CELL * count for count in once)]


def _names(network: Network) -> Optional[int]:
    found = labels.inside(network.model, network.metadata)
    return None if found is None else len(found.labels)


def _is_turned(left: int, right: int, counts: Sequence[int], names: Optional[int]) -> bool:
    """Whether the first of two sizes is that of the values, and the second that of the anchors."""
    if names is not None:
        fits = [size in (names + 4, names + 5) for size in (left, right)]
        if fits[0] != fits[1]:
            return fits[0]
    return right in counts if (left in counts) != (right in counts) else left < right


def _has_objectness(
    network: Network, values: int, anchors: int, turned: bool, counts: Sequence[int], names: Optional[int]
) -> bool:
    if names is not None:
        if values not in (names + 4, names + 5):
            raise InputError(
                f"{network.model.where}: it gives {values} values for each of {anchors} anchors, and names {names} "
                "classes: neither 4 + classes, as YOLOv8 and v11 give, nor 5 + classes, as YOLOv5 gives; only networks "
                "for boxes can be decoded"
            )
        return values == names + 5
    if values in (_COCO + 4, _COCO + 5):
        return values == _COCO + 5
    if anchors in counts:
        return counts.index(anchors) >= 2
    return not turned


def _check_task(network: Network) -> None:
    task = yolo_export.task(network.model)
    if task != yolo_export.DETECT:
        raise InputError(
            f"{network.model.where}: it is a YOLO network for the task {task!r}; only those for 'detect', which give "
            "boxes, can be decoded"
        )
