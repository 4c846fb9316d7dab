"""Runs in an environment of its own: tflite-support's metadata reader and TFLite Task Library.

    python run_task_library.py OUT.json IMAGES.npz MODEL...

Writes {model: {"metadata": ..., "files": {name: text}, "needed": version, "detections": ...}},
detections as run_mediapipe.py has them; for a model without metadata {model: "the reason"}.
"""

import ctypes
import json
import sys

import libusb_package
import numpy as np

# Its libraries are linked against libusb for the sake of Coral sticks; nothing here uses one.
ctypes.CDLL(str(libusb_package.get_library_path()), mode=ctypes.RTLD_GLOBAL)

from tensorflow_lite_support.metadata.cc.python import _pywrap_metadata_version  # noqa: E402
from tflite_support import metadata  # noqa: E402
from tflite_support.task import core, processor, vision  # noqa: E402


def read(model):
    displayer = metadata.MetadataDisplayer.with_model_file(model)
    names = displayer.get_packed_associated_file_list()
    return {
        "metadata": json.loads(displayer.get_metadata_json()),
        "files": {name: displayer.get_associated_file_buffer(name).decode() for name in names},
        "needed": _pywrap_metadata_version.GetMinimumMetadataParserVersion(
            displayer.get_metadata_buffer()
        ),
    }


def detect(model, images):
    options = vision.ObjectDetectorOptions(
        core.BaseOptions(file_name=model), processor.DetectionOptions()
    )
    detector = vision.ObjectDetector.create_from_options(options)
    return [found(detector, image) for image in images]


def found(detector, image):
    tensor = vision.TensorImage.create_from_array(image)
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
            results[model] = {"detections": detect(model, images), **read(model)}
        except ValueError as error:
            results[model] = str(error)
    with open(out, "w") as file:
        json.dump(results, file)


main(*sys.argv[1:])
