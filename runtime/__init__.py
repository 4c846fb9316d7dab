"""Runs a detector from a .tflite file on pictures and videos.

    from runtime import Detector, run
    detections = Detector("detector_int8.tflite")(image)
    for frame, detections in run(file="detector_int8.tflite", source="street.mp4"): ...

The names below are loaded when they are first used, so that `import runtime` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.detector import Detector
    from runtime.errors import InputError, KitError
    from runtime.frames import run
    from runtime.values import Box, Detection, Frame, Labels

_HOMES = {
    "Box": "runtime.values",
    "Detection": "runtime.values",
    "Detector": "runtime.detector",
    "Frame": "runtime.values",
    "InputError": "runtime.errors",
    "KitError": "runtime.errors",
    "Labels": "runtime.values",
    "run": "runtime.frames",
}

__all__ = ["Box", "Detection", "Detector", "Frame", "InputError", "KitError", "Labels", "run"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'runtime' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
