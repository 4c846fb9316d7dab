"""The options of the post-processing inside a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Postprocessing:
    """Options of what makes detections of box codes and class logits.

    At most `detections` an image, none below `score`. Of two boxes of one class that overlap by more than `iou` the one
    with the lower score goes. The best `candidates` pairs of anchor and class are looked at; there is no use in fewer
    than `detections`. With `custom` the file holds the custom operation `TFLite_Detection_PostProcess` for readers that
    know no other way: one class an anchor, and suppression whatever the class.
    """

    detections: int = 25
    score: float = 0.01
    iou: float = 0.6
    candidates: int = 512
    custom: bool = False
