"""Names what a file is whose outputs are not those of a detector with post-processing."""

from __future__ import annotations

from typing import Sequence, Tuple

_MODEL_MAKER = "MediaPipe Model Maker"

# A file with fewer positions than this is no dense detector.
_LEAST_ANCHORS = 16
# Of COCO's persons, as MoveNet gives them.
_KEYPOINTS = 17


def describe(shapes: Sequence[Tuple[int, ...]]) -> str:
    """What outputs of these `shapes` are likely to be, in words; empty where they are of no known kind.

    Known are the outputs of YOLOv8 and v11 ([1, 4 + classes, anchors]) and of YOLOv5 ([1, anchors, 5 + classes]), the
    two outputs of MediaPipe Model Maker ([1, anchors, 4] and [1, anchors, classes]), and those of classifiers
    ([1, classes]), of models of a pose ([1, 1, 17, 3]) and of segmentation ([1, height, width, classes]; of YOLO with the
    prototypes of its masks). A batch of -1, any number of images, counts as 1.
    """
    shapes = [(1, *shape[1:]) if shape[:1] == (-1,) else tuple(shape) for shape in shapes]
    if len(shapes) == 1:
        shape = shapes[0]
        if len(shape) == 2 and shape[0] == 1 and shape[1] > 1:
            return f"a classifier of {shape[1]} classes"
        if len(shape) == 3 and shape[0] == 1:
            return _yolo(*shape[1:])
        if len(shape) == 4 and shape[0] == 1:
            return _image_like(*shape[1:])
    if len(shapes) == 2 and {len(shape) for shape in shapes} == {3, 4}:
        raw, masks = sorted(shapes, key=len)
        if raw[0] == masks[0] == 1 and _yolo(*raw[1:]) and min(masks[1:]) > 1:
            return "a YOLO model of segmentation, with masks"
    if len(shapes) == 2 and all(len(shape) == 3 for shape in shapes):
        boxes, scores = sorted(shapes, key=lambda shape: shape[2] != 4)
        if boxes[2] == 4 and boxes[:2] == scores[:2] and boxes[1] >= _LEAST_ANCHORS:
            return f"the raw boxes and scores of {boxes[1]} anchors, as {_MODEL_MAKER} exports them"
    return ""


def advice(kind: str) -> str:
    """What to do with a file of the `kind` that `describe` gives, where no decoder of this kit takes it."""
    if _MODEL_MAKER in kind:
        return (
            "take the file as Model Maker's export_model wrote it: the anchors, without which its boxes mean nothing, are in "
            "the metadata of that one (DETECTOR_METADATA) and not of this"
        )
    if "YOLO model of segmentation" in kind:
        return "take the detector of the same family, or run it with the program that it was made for"
    return "run it with the program that it was made for"


def _image_like(height: int, width: int, channels: int) -> str:
    if height == 1 and width == _KEYPOINTS and channels == 3:
        return f"a model of a person's pose ({width} keypoints)"
    if min(height, width) >= _LEAST_ANCHORS:
        return f"a model of segmentation, which gives each of {height} x {width} pixels a class"
    return ""


def _yolo(rows: int, columns: int) -> str:
    if 4 < rows < columns and columns >= _LEAST_ANCHORS:
        return f"the raw output of a YOLO-style detector (4 + {rows - 4} values for each of {columns} anchors)"
    if 5 < columns < rows and rows >= _LEAST_ANCHORS:
        return f"the raw output of a YOLO-style detector (5 + {columns - 5} values for each of {rows} anchors)"
    return ""
