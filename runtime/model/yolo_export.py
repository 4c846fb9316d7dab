"""Reads the description that YOLO exporters append to a .tflite as a zip entry: JSON, YAML or a Python dict.

Its keys are documented at https://docs.ultralytics.com/modes/export: `names` are the classes, `task` is what the
network is for.
"""

from __future__ import annotations

import re
from typing import Optional, Tuple

from runtime.common.errors import InputError
from runtime.model import label_formats
from runtime.model.tflite import Model

# Names that exporters gave the entry, the newest first.
FILES = ("metadata.json", "metadata.yaml", "temp_meta.txt", "meta.txt")

_NAMES = re.compile(r"^\s*\{?\s*['\"]?names['\"]?\s*:\s*[\[{\n\r]|[,{]\s*['\"]names['\"]\s*:\s*[\[{]", re.M)
_TASK = re.compile(r"['\"]?\btask['\"]?\s*:\s*['\"]?(\w+)")

# What older exports, which do not say, are for.
DETECT = "detect"


def names(model: Model) -> Optional[Tuple[str, ...]]:
    """The class names by class id; None where the file of `model` has no description, or none that can be read.

    Raises InputError where the archive is damaged.
    """
    described = _text(model)
    try:
        return None if described is None else label_formats.parse(described, model.where)
    except InputError:
        return None


def task(model: Model) -> str:
    """What the network is for, such as `detect` or `pose`; `detect` where the file does not say."""
    found = _TASK.search(_text(model) or "")
    return found.group(1) if found else DETECT


def _text(model: Model) -> Optional[str]:
    files = model.associated_files()
    for name in FILES:
        content = files.get(name, b"").decode("utf-8-sig", errors="replace")
        if _NAMES.search(content):
            return content
    return None
