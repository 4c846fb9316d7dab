"""The lines of the contract for a twin without post-processing, each as a check with a plain message."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np

from convert.contract import kind_rules, rules
from convert.contract.violation import Violation
from convert.file.kinds import Kind
from convert.file.metadata import RAW_NAMES, RAW_TENSORS
from runtime.common.errors import InputError
from runtime.model import raw_head
from runtime.model.metadata import Metadata
from runtime.model.raw_head import RawHead
from runtime.model.tflite import Model


def is_twin(model: Model) -> bool:
    """Whether the metadata says that `model` ends before its post-processing."""
    metadata = rules.metadata_of(model)
    return metadata is not None and any(file.name == raw_head.FILE for file in metadata.all_files())


def facts(model: Model) -> dict[str, Any] | None:
    """What a twin says of itself, anchors only counted; None where nothing can be read."""
    try:
        head = RawHead.of(model, Metadata.of(model))
    except InputError:
        return None
    if head is None:
        return None
    # Version 1 has no candidates, and only version 3 has bins.
    candidates = {"candidates": head.candidates} if head.candidates else {}
    bins = {"bins": head.bins} if head.bins else {}
    return {
        "anchors": len(head.anchors),
        "classes": head.classes,
        "first_column": head.first,
        "detections": head.detections,
        "score": _short(head.score),
        "iou": _short(head.iou),
        "box_scales": [_short(scale) for scale in head.scales],
        **candidates,
        **bins,
    }


def _short(number: float) -> float:
    """The decimal that somebody wrote, not what float32 made of it."""
    return float(str(np.float32(number)))


def violations(model: Model, kind: Kind) -> tuple[Violation, ...]:
    """Every broken line of what is said of twins of this `kind`. They may take a batch of images."""
    try:
        metadata = Metadata.of(model)
        head = RawHead.of(model, metadata)
    except InputError as error:
        return (Violation("raw head", str(error)),)
    if metadata is None or head is None:
        return (Violation("raw head", f"the metadata names no {raw_head.FILE}, so no reader can decode it"),)
    broken = [*rules.input_faults(model, kind, batches=True), *_outputs(model, kind.raw_output), *_signature(model)]
    broken += [*rules.normalisation_faults(model), *_metadata(metadata), *_labels(model, metadata, head)]
    return (*broken, *kind_rules.violations(model, kind))


def _outputs(model: Model, wanted: str) -> Iterator[Violation]:
    for index, name in zip(model.main.outputs, RAW_TENSORS):
        tensor = model.main.tensors[index]
        if tensor.type != wanted:
            yield Violation("outputs", f"{name} are {tensor.type}, not {wanted}")
        elif wanted == "int8" and not _one_scale(tensor.quantization.scales):
            yield Violation("outputs", f"{name} have no scale, or more than one")
        if tensor.name != name:
            yield Violation("names", f"{name} are named {tensor.name}")


def _one_scale(scales: np.ndarray) -> bool:
    return scales.size == 1 and bool(scales[0] > 0)


def _signature(model: Model) -> Iterator[Violation]:
    if len(model.signatures) != 1:
        yield Violation("signature", f"it has {len(model.signatures)} signatures, not one")
        return
    wanted = dict(zip(RAW_TENSORS, model.main.outputs))
    if dict(model.signatures[0].outputs) != wanted:
        yield Violation("signature", f"its outputs are not {' and '.join(RAW_TENSORS)} in that order")
    if tuple(model.signatures[0].inputs.values()) != model.main.inputs:
        yield Violation("signature", "its inputs are not those of the graph")


def _metadata(metadata: Metadata) -> Iterator[Violation]:
    names = tuple(output.name for output in metadata.outputs)
    if names != RAW_NAMES:
        yield Violation("metadata", f"outputs are called {list(names)}, not {list(RAW_NAMES)}")


def _labels(model: Model, metadata: Metadata, head: RawHead) -> Iterator[Violation]:
    names = [file.name for file in metadata.all_files() if file.type == "TENSOR_AXIS_LABELS"]
    if not names:
        yield Violation("labels", "class logits have no associated file of type TENSOR_AXIS_LABELS")
    yield from rules.label_faults(model, names, head.classes)
    if rules.is_compressed(model, raw_head.FILE):
        yield Violation("raw head", f"{raw_head.FILE} is compressed; consumers read it where it lies")
