"""Finds the installed package that has the TFLite interpreter."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Tuple

from runtime.common.errors import KitError

# In order of preference. TensorFlow has the same interpreter, but takes seconds to import.
PACKAGES = (
    ("ai_edge_litert.interpreter", "ai-edge-litert"),
    ("tflite_runtime.interpreter", "tflite-runtime"),
    ("tensorflow.lite.python.interpreter", "tensorflow"),
)


def find_package() -> Tuple[Any, str]:
    """The first module of PACKAGES that is installed, and the name of its distribution for pip.

    Raises KitError where none is installed.
    """
    for module, package in PACKAGES:
        try:
            return import_module(module), package
        except ImportError:
            continue
    raise KitError("no interpreter for .tflite files is installed; run: pip install ai-edge-litert")
