"""YAML files with the line of everything in them, so that an error can say where it is."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any, Dict, Tuple, Union

from runtime.common.errors import InputError


def read(path: Union[str, os.PathLike], extra: str) -> Tuple[Any, Any]:
    """The root node, None for an empty file, and the content as Python's own values.

    A node has `start_mark.line`, from 0. Raises InputError, with the line, for what is no YAML or gives
    a name twice, and where PyYAML is missing, which the kit's `extra` brings.
    """
    yaml = library("yaml", "PyYAML", extra)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    try:
        # PyYAML's own parser takes ten times as long, which a small board feels.
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        content = yaml.constructor.SafeConstructor().construct_document(root) if root else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        # Where something is missing at the end, the parser may name a line after the last.
        line = f" line {min(mark.line, text.count(chr(10), 0, -1)) + 1}:" if mark else ""
        raise InputError(f"{path}:{line} no YAML: {getattr(error, 'problem', None) or error}") from error
    if root is not None:
        _refuse_doubles(path, root)
    return root, content


def library(module: str, package: str, extra: str) -> Any:
    """The module. Raises InputError, which says how to get it, where it is missing."""
    try:
        return import_module(module)
    except ImportError:
        raise InputError(
            f"this needs {package}, which is not installed; run: pip install 'edge-detection-kit[{extra}]'"
        ) from None


def _refuse_doubles(path: Union[str, os.PathLike], node: Any) -> None:
    if node.id == "sequence":
        for item in node.value:
            _refuse_doubles(path, item)
    if node.id != "mapping":
        return
    lines: Dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        # A key that is no text is for the reader to refuse.
        if key.id == "scalar" and key.value in lines:
            raise InputError(f"{path}: line {line}: {key.value}: is given twice, first in line {lines[key.value]}")
        if key.id == "scalar":
            lines[key.value] = line
        _refuse_doubles(path, value)
