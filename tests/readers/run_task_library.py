"""Runs tflite-support's metadata reader and TFLite Task Library on images, in an environment of its own.

    python run_task_library.py OUT.json IMAGES.npz MODEL...

Writes {model: {"metadata": ..., "files": {name: text}, "needed": version, "detections": ...}}, the detections as
in run_mediapipe.py; for a model without metadata, {model: "the reason"}.
"""

import ctypes
import json

import libusb_package
import reader

# The library is linked against libusb, for Coral sticks; it must be loaded, though nothing here uses it.
ctypes.CDLL(str(libusb_package.get_library_path()), mode=ctypes.RTLD_GLOBAL)

from tensorflow_lite_support.metadata.cc.python import _pywrap_metadata_version  # noqa: E402
from tflite_support import metadata  # noqa: E402
from tflite_support.task import core, processor, vision  # noqa: E402


def read(model, images):
    """The detections of `model` in each of `images`, and what its metadata holds."""
    return {"detections": detect(model, images), **describe(model)}


def describe(model):
    """Metadata, associated files and the version of the parser that the metadata needs."""
    displayer = metadata.MetadataDisplayer.with_model_file(model)
    names = displayer.get_packed_associated_file_list()
    return {
        "metadata": json.loads(displayer.get_metadata_json()),
        "files": {name: displayer.get_associated_file_buffer(name).decode() for name in names},
        "needed": _pywrap_metadata_version.GetMinimumMetadataParserVersion(displayer.get_metadata_buffer()),
    }


def detect(model, images):
    """The detections of `model` in each of `images`."""
    options = vision.ObjectDetectorOptions(core.BaseOptions(file_name=model), processor.DetectionOptions())
    detector = vision.ObjectDetector.create_from_options(options)
    tensors = [vision.TensorImage.create_from_array(image) for image in images]
    return [reader.detections(detector.detect(tensor)) for tensor in tensors]


reader.main(read)
