"""Says what a file or folder is that was given as a .tflite but is none, and how to get a .tflite from it."""

from __future__ import annotations

import io
import shlex
import zipfile
from pathlib import Path, PurePath
from typing import List, Optional, Tuple

from runtime.common import command

_HEAD = 512
# A folder that holds this many is a collection of models, and the right one is not known.
_LISTED = 3

_EXPORT_PYTORCH = "export it to .tflite first, a YOLO of Ultralytics with: yolo export model={path} format=tflite"
_FROM_KERAS = "convert it first, with TensorFlow's tf.lite.TFLiteConverter.from_keras_model"
_IMAGE = "it is an image; give the detector first, and the image after --source"
_OTHER_ENGINE = "it is made for {}; export the model to .tflite from where it was trained"

# What the first bytes say: at which byte, which ones, and what that is.
_BEGINNINGS: Tuple[Tuple[int, bytes, str], ...] = (
    (0, b"version https://git-lfs", "it is a Git LFS pointer in place of the file; fetch the file with: git lfs pull"),
    (0, b"\x89HDF\r\n\x1a\n", f"it is a Keras or HDF5 file; {_FROM_KERAS}"),
    (0, b"\xff\xd8\xff", _IMAGE),
    (0, b"\x89PNG\r\n", _IMAGE),
    (8, b"WEBP", _IMAGE),
    (4, b"ftyp", "it is a video or image; give the detector first, and the video after --source"),
    (0, b"\x1f\x8b", "it is a packed archive; unpack it, and give the .tflite file in it"),
)

# What the ending says, where the first bytes say nothing.
_ENDINGS = {
    ".pt": f"it is a PyTorch model; {_EXPORT_PYTORCH}",
    ".pth": f"it is a PyTorch model; {_EXPORT_PYTORCH}",
    ".onnx": "it is an ONNX model; export it to .tflite from where it was trained, or convert it with: onnx2tf -i {path}",
    ".pb": "it is a TensorFlow graph; {convert} takes the folder of a model of the Object Detection API, and "
    "tf.lite.TFLiteConverter others",
    ".engine": _OTHER_ENGINE.format("TensorRT"),
    ".trt": _OTHER_ENGINE.format("TensorRT"),
    ".mlmodel": _OTHER_ENGINE.format("Core ML"),
    ".hef": _OTHER_ENGINE.format("a Hailo chip"),
    ".rknn": _OTHER_ENGINE.format("a Rockchip NPU"),
    ".xml": "it is XML, as of OpenVINO; export the model to .tflite from where it was trained",
    ".yaml": "it is YAML; a configuration is given with --config",
    ".yml": "it is YAML; a configuration is given with --config",
}


def describe_file(data: bytes, where: str) -> str:
    """What `data`, the content of the file `where`, is instead of a .tflite and what to do, in words; else empty."""
    if not data:
        return "it is empty; get the file again"
    head = data[:_HEAD]
    for start, beginning, words in _BEGINNINGS:
        if head[start : start + len(beginning)] == beginning:
            return words
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "it is a web page, such as one to sign in on; download the file itself"
    words = _archive(data) if head.startswith(b"PK\x03\x04") else _ENDINGS.get(PurePath(where).suffix.lower(), "")
    return words.format(path=shlex.quote(where), convert=command.spelling("convert", "convert"))


def describe_folder(folder: Path) -> str:
    """What `folder` holds, which was given as a .tflite, and what to give or run instead, in words."""
    files = _models(folder)
    convert = command.spelling("convert", "convert")
    if files and len(files) <= _LISTED:
        return "it is a folder; give the file in it: " + " or ".join(map(str, files))
    if files:
        return f"it is a folder with {len(files)} .tflite files; give one of them, such as {files[0]}"
    if (folder / "checkpoints").is_dir() and (folder / "config.yaml").is_file():
        return f"it is the folder of a training run without .tflite files; make one with: {convert} --int8 --run {shlex.quote(str(folder))}"
    if (folder / "pipeline.config").is_file():
        return f"it is a model of the Object Detection API; make a .tflite of it with: {convert} {shlex.quote(str(folder))} --fp16"
    if (folder / "saved_model.pb").is_file():
        return (
            f"it is a SavedModel; make a .tflite of it with: {convert} {shlex.quote(str(folder))} --fp16 where the Object Detection API "
            "wrote it, else with tf.lite.TFLiteConverter.from_saved_model"
        )
    return "it is a folder; give a .tflite file"


def _models(folder: Path) -> List[Path]:
    """The .tflite files in `folder` and one folder below, but for those that conversion refused."""
    try:
        found = sorted([*folder.glob("*.tflite"), *folder.glob("*/*.tflite")])
    except OSError:
        return []
    return [path for path in found if not path.name.endswith(".rejected.tflite")]


def _archive(data: bytes) -> str:
    names = _names(data)
    if names is None:
        return "it is a zip file that is cut short or damaged; get it again"
    models = [name for name in names if name.endswith(".tflite")]
    if any(PurePath(name).name == "data.pkl" for name in names):
        return f"it is a PyTorch model; {_EXPORT_PYTORCH}"
    if "model.weights.h5" in names:
        return f"it is a Keras file; {_FROM_KERAS}"
    if models:
        held = ", ".join(models[:_LISTED]).replace("{", "{{").replace("}", "}}")
        return f"it is a zip file or MediaPipe task; unpack it, and give a detector of those in it: {held}"
    return "it is a zip file without a .tflite in it"


def _names(data: bytes) -> Optional[List[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
