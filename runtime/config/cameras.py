"""What `sources` may say of each of several cameras."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Mapping, Sequence

from runtime.common import redaction
from runtime.common.errors import InputError

SOURCES = "sources"

# What there is once in a process, for all cameras.
SHARED = (
    "file", "config", "engine", "device", "fallback", "threads", "watchdog", "shadow", "labels", "all-labels", "agnostic", "health",
    "tiles",
)  # fmt: skip

# Part of addresses, topics and the names of files.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


def wrong_name(name: Any) -> str:
    """Why `name` is no name of a camera; empty where it is one."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return ""
    quotes = "" if isinstance(name, str) else "; put what YAML takes for another thing, as 1 and yes, between quotes"
    return f"a camera's name has letters from a to z, digits, - and _, at most 40, and begins with a letter or a digit{quotes}"


def not_of_a_camera(option: str, value: Any) -> str:
    """Why the option cannot be given for one camera; empty where it can."""
    option = option.replace("_", "-")
    if option in SHARED:
        return "is the same for all cameras; give it at the top level"
    if option == "score" and any("=" in str(item) for item in (value if isinstance(value, list) else [value])):
        return "the thresholds of single classes are the same for all cameras; give them at the top level"
    return ""


def named_alone(spec: str) -> str:
    """Why `spec`, the only source, is none although it is a camera's with its name; empty where it is not."""
    name, _, source = spec.partition("=")
    if wrong_name(name) or not ("://" in source or source.isdigit()) or os.path.exists(spec):
        return ""
    shown = redaction.address(source)
    return f"{name}={shown}: only several cameras have names; give --source {shown}, or write {name}: {shown} below {SOURCES}"


def cameras_given(specs: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """The cameras of a repeated `--source NAME=SRC`, with the source of each. Raises InputError.

    Where none has a name, there are none: the last `--source` counts, as of any option.
    """
    found: Dict[str, Dict[str, Any]] = {}
    parts = [spec.partition("=") for spec in specs]
    if all(wrong_name(name) or not source for name, _, source in parts):
        return found
    for spec, (name, _, source) in zip(specs, parts):
        if wrong_name(name) or not source:
            raise InputError(f"--source {redaction.address(spec)}: is one of several; give each a name, as in --source door={redaction.address(spec)}")
        if name in found:
            raise InputError(f"--source {name}: is given twice; give each camera a name of its own")
        found[name] = {"source": source}
    return found
