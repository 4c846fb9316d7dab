"""What the decoders of YOLO-style outputs share: the input, units of boxes, and limits."""

from __future__ import annotations

import numpy as np

from runtime.inference.decoders import Decoder, Decoding

# Float inputs take bytes / 255.
_MEAN, _STD = (0.0,), (255.0,)

# As the validation of these networks does it, which counts detections down to a score of 0.001.
LEAST = 0.001
MOST_CANDIDATES, MOST_DETECTIONS = 30_000, 300

# A box relative to the input reaches hardly beyond 1, and one in pixels somewhere in it well beyond this.
_MOST_RELATIVE = 4.0


def decoding(decode: Decoder, what: str, classes: int) -> Decoding:
    """How a YOLO-style network is run: it was trained on images that keep their shape (letterbox)."""
    return Decoding(decode, what, classes, letterbox=True, mean=_MEAN, std=_STD)


def in_pixels(values: np.ndarray) -> bool:
    """Whether coordinates, of all anchors or rows of an image, are pixels of the input, and not relative to it."""
    return bool(values.size) and float(values.max()) > _MOST_RELATIVE
