"""Runs detectors (.tflite files) on images, videos, cameras and streams.

    from runtime import Detector, run
    detections = Detector("detector_int8.tflite")(image)
    Detector("detector_int8.tflite").detect("street.jpg")    # in a notebook: the image with its detections
    for frame, detections in run(file="detector_int8.tflite", source="street.mp4"): ...

Rooms, each using only those before it: `common` (errors, values, files, options), `machine` (accelerators, cameras),
`model` (what a .tflite holds), `inference` (from an image to detections), `media` (image and video files), `telemetry`
(state of a run), `sources`, `filters`, `frames`, `mqtt`, `web`, `sinks`, `config`, `pipeline` (the loop),
`cameras` (several loops, one model), `bench`.
`notebook` (results that show themselves) comes after `media`.

The names in `__all__` are imported when they are first used, so that `import runtime` imports nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.common.errors import InputError, KitError
    from runtime.common.values import Box, Detection, Frame, Labels
    from runtime.inference.detector import Detector
    from runtime.notebook.annotated_image import AnnotatedImage
    from runtime.pipeline.iteration import run

_MODULES = {
    "AnnotatedImage": "runtime.notebook.annotated_image",
    "Box": "runtime.common.values",
    "Detection": "runtime.common.values",
    "Detector": "runtime.inference.detector",
    "Frame": "runtime.common.values",
    "InputError": "runtime.common.errors",
    "KitError": "runtime.common.errors",
    "Labels": "runtime.common.values",
    "run": "runtime.pipeline.iteration",
}

__all__ = ["AnnotatedImage", "Box", "Detection", "Detector", "Frame", "InputError", "KitError", "Labels", "run"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'runtime' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
