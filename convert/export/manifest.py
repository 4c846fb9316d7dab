"""`manifest.json`: where an export folder's files come from, and what they were measured to do."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
import tomllib

from convert.contract import raw_rules
from convert.evaluation.gate import Admitted
from convert.inspect.inspection import operation_counts
from runtime.common.files import write_text
from runtime.model.tflite import Model, Tensor
from train.models import anchors

NAME = "manifest.json"
_DISTRIBUTION = "edge-detection-kit"


def versions() -> dict[str, str]:
    """The kit's own version and those of what converted."""
    # TensorFlow's converter is part of the TensorFlow package and has no version of its own.
    return {"kit": kit_version(), "tensorflow": tf.__version__, "converter": f"TFLite converter of {tf.__version__}"}


def kit_version() -> str:
    """The installed distribution's version, or that of the source tree where it is used uninstalled."""
    try:
        return importlib.metadata.version(_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        project = Path(__file__).resolve().parents[2] / "pyproject.toml"
        return tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]


def file_entry(file: Admitted, measured_on: str | None) -> dict[str, Any]:
    """Hash, size, tensors, operations and figures of one file."""
    data = file.path.read_bytes()
    model = Model.parse(data, str(file.path))
    graph = model.main
    entry: dict[str, Any] = {
        "kind": file.kind,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "inputs": [_tensor(graph.tensors[i]) for i in graph.inputs],
        "outputs": [_tensor(graph.tensors[i]) for i in graph.outputs],
        "operations": {row.name: row.count for row in operation_counts(model)},
    }
    raw = raw_rules.facts(model)
    if raw is not None:
        entry["raw_head"] = {**raw, "anchors": anchors.described(graph.tensors[graph.inputs[0]].shape[1])}
    if file.metrics is not None:
        entry |= {"AP": file.metrics["AP"], "AP50": file.metrics["AP50"], "measured_on": measured_on}
    return entry


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder: Path, content: Mapping[str, Any], files: Sequence[Admitted], measured_on: str | None) -> Path:
    """Writes the manifest, whole or not at all; it comes last, so that it never speaks of a file to come."""
    entries = {file.path.name: file_entry(file, measured_on) for file in files}
    path = folder / NAME
    write_text(path, json.dumps({**versions(), **content, "files": entries}, indent=1) + "\n")
    return path


def _tensor(tensor: Tensor) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": tensor.name, "shape": list(tensor.shape), "type": tensor.type}
    quantization = tensor.quantization
    if quantization and len(quantization.scales) == 1:
        entry |= {"scale": float(quantization.scales[0]), "zero_point": int(quantization.zero_points[0])}
    return entry
