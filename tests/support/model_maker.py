"""What MediaPipe Model Maker writes into the metadata of its detectors."""

from __future__ import annotations

from typing import Sequence

import flatbuffers


def detector_metadata(
    anchors: Sequence[Sequence[float]],
    classes: int,
    scales: Sequence[float] = (1, 1, 1, 1),
    *,
    boxes: int = -1,
    sides: int = 4,
    exponential: bool = True,
    sigmoid: bool = False,
) -> bytes:
    """The entry DETECTOR_METADATA: `anchors` as x, y, width, height, `scales` of x, y, width and height.

    `classes` counts the background; `boxes` is the number of anchors unless given.
    """
    builder = flatbuffers.Builder(1024)

    def floats(values: Sequence[float]) -> int:
        builder.StartObject(4)
        for number, value in enumerate(values):
            builder.PrependFloat32Slot(number, value, 0.0)
        return builder.EndObject()

    tables = [floats(anchor) for anchor in anchors]
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    held = builder.EndVector()
    for _ in range(2):
        builder.StartObject(1)
        builder.PrependUOffsetTRelativeSlot(0, held, 0)
        held = builder.EndObject()
    builder.StartObject(12)
    for number, value in enumerate((classes, len(anchors) if boxes < 0 else boxes, sides)):
        builder.PrependInt32Slot(number, value, 0)
    for number, scale in enumerate(scales, 6):
        builder.PrependFloat32Slot(number, scale, 0.0)
    builder.PrependBoolSlot(10, exponential, False)
    builder.PrependBoolSlot(11, sigmoid, False)
    decoding = builder.EndObject()
    builder.StartObject(3)
    builder.PrependUOffsetTRelativeSlot(1, held, 0)
    builder.PrependUOffsetTRelativeSlot(2, decoding, 0)
    builder.Finish(builder.EndObject(), b"V001")
    return bytes(builder.Output())
