"""Reads the anchors of a detector that MediaPipe Model Maker exports: they lie in its metadata.

Field numbers are those of object_detector_metadata_schema.fbs of MediaPipe:
https://github.com/google-ai-edge/mediapipe/blob/master/mediapipe/tasks/metadata/object_detector_metadata_schema.fbs
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from runtime.common.errors import InputError
from runtime.model.flatbuffer import FlatBuffer, Table
from runtime.model.metadata import Metadata

ENTRY = "DETECTOR_METADATA"
IDENTIFIER = b"V001"

# Values of a box, without key points.
_SIDES = 4


@dataclass(frozen=True, eq=False)
class SsdAnchors:
    """What the entry holds.

    `anchors` float32 [A, 4] as yc, xc, h, w relative to the input; `scales` divide the codes y, x, h, w; `classes` is
    the number of columns of the scores, background counted. With `exponential` sizes are exponents; with `sigmoid`
    the scores are logits.
    """

    anchors: np.ndarray
    scales: Tuple[float, float, float, float]
    classes: int
    exponential: bool
    sigmoid: bool

    @classmethod
    def of(cls, metadata: Optional[Metadata], where: str) -> Optional[SsdAnchors]:
        """The anchors in `metadata`; None where there are none. Raises InputError where they are damaged.

        `where` names the file in messages.
        """
        data = None if metadata is None else metadata.custom.get(ENTRY)
        return None if data is None else cls.parse(data, f"{where}: {ENTRY} in its metadata")

    @classmethod
    def parse(cls, data: bytes, where: str = ENTRY) -> SsdAnchors:
        """Parses `data`. Raises InputError where it is no such entry, or damaged."""
        root = FlatBuffer(data, IDENTIFIER, where).root()
        holder, decoding = root.table(1), root.table(2)
        schema = None if holder is None else holder.table(0)
        if schema is None or decoding is None:
            raise InputError(f"{where}: it has no fixed anchors, or does not say how boxes are coded")
        boxes, sides = decoding.number(1, "i"), decoding.number(2, "i")
        anchors = np.array([_anchor(table) for table in schema.tables(0)], np.float32).reshape(-1, 4)
        if len(anchors) != boxes:
            raise InputError(f"{where}: it has {len(anchors)} anchors for {boxes} boxes")
        if sides != _SIDES:
            raise InputError(f"{where}: it has {sides} values for each box; only boxes without key points can be read")
        x, y, width, height = (decoding.real(field) for field in (6, 7, 8, 9))
        scales = (y, x, height, width)
        if not np.isfinite(anchors).all() or not all(np.isfinite(scales)) or 0 in scales:
            raise InputError(f"{where}: its anchors or the scales {list(scales)} of its boxes are no usable numbers")
        return cls(anchors, scales, decoding.number(0, "i"), bool(decoding.number(10, "b")), bool(decoding.number(11, "b")))


def _anchor(table: Table) -> Tuple[float, float, float, float]:
    x, y, width, height = (table.real(field) for field in range(4))
    return y, x, height, width
