"""Runs MediaPipe Tasks' ObjectDetector on images, in an environment of its own.

    python run_mediapipe.py OUT.json IMAGES.npz MODEL...

Writes {model: [[{label, score, box}, ...] for each image]}, boxes [ymin, xmin, ymax, xmax] in pixels; for a
model that is refused, {model: "the reason"}.
"""

import mediapipe
import reader
from mediapipe.tasks.python import BaseOptions, vision


def detect(model, images):
    """The detections of `model` in each of `images`."""
    options = vision.ObjectDetectorOptions(BaseOptions(model_asset_path=model), max_results=-1)
    with vision.ObjectDetector.create_from_options(options) as detector:
        tensors = [mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image) for image in images]
        return [reader.detections(detector.detect(tensor)) for tensor in tensors]


reader.main(detect)
