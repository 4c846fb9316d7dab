"""Runs in an environment of its own: MediaPipe Tasks' ObjectDetector on images.

    python run_mediapipe.py OUT.json IMAGES.npz MODEL...

Writes {model: [[{label, score, box}, ...] for each image]}, boxes [ymin, xmin, ymax, xmax] in
pixels; for a model that is refused, {model: "the reason"}.
"""

import json
import sys

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision


def detect(model, images):
    options = vision.ObjectDetectorOptions(BaseOptions(model_asset_path=model), max_results=-1)
    with vision.ObjectDetector.create_from_options(options) as detector:
        return [found(detector, image) for image in images]


def found(detector, image):
    tensor = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)
    result = []
    for detection in detector.detect(tensor).detections:
        box, best = detection.bounding_box, detection.categories[0]
        top, left = box.origin_y, box.origin_x
        corners = [top, left, top + box.height, left + box.width]
        result.append({"label": best.category_name, "score": best.score, "box": corners})
    return result


def main(out, archive, *models):
    with np.load(archive) as loaded:
        images = [np.ascontiguousarray(loaded[name]) for name in sorted(loaded)]
    results = {}
    for model in models:
        try:
            results[model] = detect(model, images)
        except ValueError as error:
            results[model] = str(error)
    with open(out, "w") as file:
        json.dump(results, file)


main(*sys.argv[1:])
