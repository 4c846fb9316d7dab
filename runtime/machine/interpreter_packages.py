"""Which package holds the interpreter of .tflite files."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Tuple

from runtime.common.errors import KitError

# In order of preference. TensorFlow holds the same interpreter, but takes seconds to import.
PACKAGES = (
    ("ai_edge_litert.interpreter", "ai-edge-litert"),
    ("tflite_runtime.interpreter", "tflite-runtime"),
    ("tensorflow.lite.python.interpreter", "tensorflow"),
)


def find_package() -> Tuple[Any, str]:
    """The first module of PACKAGES that is installed, and the name that pip knows it by.

    Raises KitError where none is.
    """
    for module, package in PACKAGES:
        try:
            return import_module(module), package
        except ImportError:
            continue
    raise KitError("no interpreter for .tflite files is installed; run: pip install ai-edge-litert")
