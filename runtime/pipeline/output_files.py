"""Keeps the files that a run writes apart from those that it reads."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Dict, Iterator, Optional, Sequence

from runtime.common.errors import InputError
from runtime.sources import Source

# `sheet:` and `crops:`; a single letter is a Windows drive.
_PREFIX = re.compile(r"[a-z]\w+:(?!//)")
_CA = re.compile(r",ca=([^,]+)")


def check(
    options: argparse.Namespace,
    source: Source,
    model: str,
    labels: str,
    outputs: Sequence[str],
    json: Optional[str] = None,
) -> None:
    """Raises InputError if a file that the run writes is one that it reads: links count as what they lead to.

    `model` and `labels` are the paths of what was loaded, which the options need not name; `labels` may be no path.
    `outputs` are the specs of sinks; `json`, by default `options.json`, and `options.health` are looked at, too.
    """
    inputs: Dict[str, Optional[str]] = {
        "the model": options.file,
        "the model that runs": model,
        "the file of the class names": options.labels,
        "the file that the class names were read from": labels,
        "the configuration file": options.config,
        "the source": str(source.path) if source.path is not None else None,
    }
    for device in options.device:
        inputs[f"the library {device}"] = device
    for spec in outputs:
        for ca in _CA.findall(spec):
            inputs["the file of certificates"] = ca
    for output in _files([json or options.json, options.health, *outputs]):
        for what, path in inputs.items():
            if path and os.path.isfile(path) and _same(output, path):
                raise InputError(f"{output}: is {what} itself; give another name to write to")
        if source.path is not None and _is_image_of(output, source.path):
            raise InputError(f"{output}: lies in the source and would be overwritten; give another name to write to")


def without_prefix(spec: str) -> str:
    """The spec of a sink without `crops:` and the like before the name of a file or folder."""
    return _PREFIX.sub("", spec, count=1)


def _files(outputs: Sequence[Optional[str]]) -> Iterator[str]:
    for spec in outputs:
        if spec and spec != "-" and "://" not in spec:
            yield without_prefix(spec)


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)


def _is_image_of(output: str, folder: Path) -> bool:
    """Whether `output` is a file that is there already, directly in `folder`."""
    path = Path(output)
    return path.is_file() and folder.is_dir() and path.resolve().parent == folder.resolve()
