"""Writes `manifest.json`: where the files of an export folder come from, and their measured accuracy."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from convert.contract import raw_rules
from convert.evaluation.gate import Admitted
from convert.export.listed import NAME
from convert.file.kinds import named
from convert.inspect.inspection import operation_counts
from runtime.common.command_parser import kit_version
from runtime.common.files import write_text
from runtime.model.tflite import Model, Tensor
from train.dataset.examples import content
from train.geometry.head import Head


def versions() -> dict[str, str]:
    """The versions of the kit and of the converter."""
    # The converter is part of the TensorFlow package and has no version of its own.
    return {"kit": kit_version(), "tensorflow": tf.__version__, "converter": f"TFLite converter of {tf.__version__}"}


def file_entry(file: Admitted, measured_on: str | None, head: Head) -> dict[str, Any]:
    """The manifest's entry of one file: hash, size, tensors, operations and accuracy, also of each class.

    `measured_on` says which images its AP was measured on, `head` what raw outputs mean.
    """
    data = file.path.read_bytes()
    model = Model.parse(data, str(file.path))
    graph = model.main
    entry: dict[str, Any] = {
        "kind": file.kind,
        "not_for_edge_tpu": named(file.kind)[0].not_edge_tpu,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "inputs": [_tensor(graph.tensors[i]) for i in graph.inputs],
        "outputs": [_tensor(graph.tensors[i]) for i in graph.outputs],
        "operations": {row.name: row.count for row in operation_counts(model)},
    }
    raw = raw_rules.facts(model)
    if raw is not None:
        entry["raw_head"] = {**raw, "anchors": head.described()}
    if file.metrics is not None:
        entry |= {"AP": file.metrics["AP"], "AP50": file.metrics["AP50"], "measured_on": measured_on}
        entry["per_class"] = {item.label: item.as_dict() for item in file.classes}
    if file.thresholds is not None:
        entry["threshold"] = file.thresholds.as_dict()
    return entry


def hashes(paths: Iterable[Path]) -> dict[str, str]:
    """The SHA-256 of each file, in hexadecimal, by its name; where two have one name, by the paths from a common folder."""
    files = [Path(os.path.abspath(path)) for path in paths]
    names = [file.name for file in files]
    if len(set(names)) < len(files):
        root = os.path.commonpath([file.parent for file in files])
        names = [file.relative_to(root).as_posix() for file in files]
    return {name: content.whole_hash(file) for name, file in zip(names, files)}


def write(folder: Path, content: Mapping[str, Any], files: Sequence[Admitted], measured_on: str | None, head: Head) -> Path:
    """Writes the manifest atomically; returns its path.

    Call it after all files are written, so that it never names a file that does not exist.
    """
    entries = {file.path.name: file_entry(file, measured_on, head) for file in files}
    path = folder / NAME
    write_text(path, json.dumps({**versions(), **content, "files": entries}, indent=1) + "\n")
    return path


def _tensor(tensor: Tensor) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": tensor.name, "shape": list(tensor.shape), "type": tensor.type}
    quantization = tensor.quantization
    if quantization and len(quantization.scales) == 1:
        entry |= {"scale": float(quantization.scales[0]), "zero_point": int(quantization.zero_points[0])}
    return entry
