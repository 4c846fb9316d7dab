"""Reads YAML files together with line numbers, so that errors can name the line."""

from __future__ import annotations

import os
import re
from importlib import import_module
from pathlib import Path
from typing import Any, Dict, Set, Tuple, Union

from runtime.common.errors import InputError


def read(path: Union[str, os.PathLike[str]], extra: str) -> Tuple[Any, Any]:
    """The root node of the file and its content as Python values; the root is None for an empty file.

    `start_mark.line` of a node is its line, counted from 0. Raises InputError, with the line, where the file is not
    YAML or has a duplicate key; and where PyYAML is missing, which `extra` of the kit installs.
    """
    yaml = library("yaml", "PyYAML", extra)
    try:
        # With its line ends as they are, so that the places of marks are those in the file, after a byte order mark.
        text = Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    try:
        # The parser in pure Python takes ten times as long, which matters on a small board.
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if root is not None:
            # Before merge keys, `<<`, are resolved: a key that replaces a merged one is none given twice.
            _refuse_duplicate_keys(path, root, set())
        content = yaml.constructor.SafeConstructor().construct_document(root) if root else None
    except RecursionError:
        raise InputError(f"{path}: no YAML: an anchor (&) contains itself, or lists lie too deep in each other") from None
    except ValueError as error:
        # Of what looks like a date, and is none.
        raise InputError(f"{path}: no YAML: {error}; put the value between quotes") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        # Where something is missing at the end of the file, the parser may name a line after the last one.
        line = f" line {min(mark.line, text.count(chr(10), 0, -1)) + 1}:" if mark else ""
        hint = _hint(text.split("\n")[mark.line]) if mark and mark.line <= text.count("\n") else ""
        raise InputError(f"{path}:{line} no YAML: {getattr(error, 'problem', None) or error}{hint}") from error
    return root, content


def library(module: str, package: str, extra: str) -> Any:
    """Imports `module`. Raises InputError where it is missing; the message says how to install `package`."""
    try:
        return import_module(module)
    except ImportError:
        raise InputError(
            f"this needs {package}, which is not installed; run: pip install 'edge-detection-kit[{extra}]'"
        ) from None


def _hint(line: str) -> str:
    """What may be wrong with a line that is no YAML."""
    if re.match(r"\s*\t", line):
        return "; indent with spaces, not with tabs"
    if re.search(r"[:-]\s+[{\[@%&*`!|>]", line):
        return "; a value that begins with a sign such as { or @ needs quotes"
    return ""


def _refuse_duplicate_keys(path: Union[str, os.PathLike[str]], node: Any, seen: Set[int]) -> None:
    """Raises InputError. `seen` are the ids of nodes that were looked at; aliases lead to a node more than once, or for ever."""
    if node.id == "scalar" or id(node) in seen:
        return
    seen.add(id(node))
    if node.id == "sequence":
        for item in node.value:
            _refuse_duplicate_keys(path, item, seen)
        return
    lines: Dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        # Keys that are not scalars are refused by whoever reads the content.
        if key.id == "scalar" and key.value in lines:
            raise InputError(f"{path}: line {line}: {key.value}: is given twice, first in line {lines[key.value]}")
        if key.id == "scalar":
            lines[key.value] = line
        _refuse_duplicate_keys(path, value, seen)
