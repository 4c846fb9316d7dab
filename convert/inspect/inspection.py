"""Reads what a detection .tflite holds, and checks it against the file contract and the consumers."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any, Optional

from convert.contract import consumers, contract, frigate, gpu_delegate, raw_rules, rules
from convert.contract.consumers import Verdict
from convert.contract.violation import Violation
from convert.file import anatomy
from convert.file.kinds import Kind
from runtime.common.errors import InputError
from runtime.common.values import Labels
from runtime.model import label_formats
from runtime.model import labels as model_labels
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model, Tensor

# An input range whose ends are this near to those of -1..1 or 0..1 counts as that range.
_RANGE_TOLERANCE = 0.03


@dataclass(frozen=True)
class OperationCount:
    """How often a file has one operation.

    `int8` is how many of them are int8; `types` are the types of their inputs and outputs, constants left out.
    """

    name: str
    count: int
    int8: int
    types: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a file holds.

    `kind` is what it looks like (see `convert.file.kinds`). `problems` are the lines of the file contract that it breaks, `verdicts` say in which consumers it works,
    and `calibration` is a sentence on the input range, empty for float inputs. `decoding` is what the runtime of this kit
    takes raw outputs for that it decodes; empty where it decodes none. `gpu` says whether LiteRT's CompiledModel runs the file on
    a GPU, and what of it stays on the CPU, `frigate` whether Frigate finds with it what is in it.
    """

    model: Model
    kind: Kind
    metadata: Optional[Metadata]
    labels: Optional[Labels]
    label_file: str
    operations: tuple[OperationCount, ...]
    problems: tuple[Violation, ...]
    verdicts: tuple[Verdict, ...]
    calibration: str
    decoding: str
    gpu: Verdict
    frigate: Verdict

    @property
    def everywhere(self) -> tuple[Verdict, ...]:
        """All verdicts, in the order in which they are shown."""
        return (*self.verdicts, self.frigate, self.gpu)


def inspect(model: Model) -> Inspection:
    """Inspects `model`. Raises InputError where the files packed into it are damaged."""
    label_file, labels = _labels(model)
    return Inspection(
        model=model,
        kind=contract.kind_of(model)[0],
        metadata=rules.metadata_of(model),
        labels=labels,
        label_file=label_file,
        operations=operation_counts(model),
        problems=contract.violations(model),
        verdicts=consumers.verdicts(model),
        calibration=calibration(model),
        decoding=consumers.decoding_of(model),
        gpu=gpu_delegate.verdict(model),
        frigate=frigate.verdict(model),
    )


def operation_counts(model: Model) -> tuple[OperationCount, ...]:
    """The operations of `model`, in the order of first use."""
    odd = {operation.index for operation in anatomy.not_int8(model)}
    found = anatomy.postprocess(model)
    if found:
        odd |= found.steps
    counts: Counter[str] = Counter()
    int8: Counter[str] = Counter()
    types: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for index, operator in enumerate(model.main.operators):
        name = anatomy.operation_name(operator)
        counts[name] += 1
        int8[name] += index not in odd
        types[name].update((tensor.type, None) for tensor in anatomy.changing(model, operator))
    return tuple(OperationCount(n, counts[n], int8[n], tuple(types[n])) for n in counts)


def calibration(model: Model) -> str:
    """Which range of pixel values the file was calibrated on, by the quantization of its input; empty for float."""
    for index in model.main.inputs:
        limits = anatomy.input_range(model.main.tensors[index])
        if limits is None:
            continue
        least, greatest = limits
        if anatomy.postprocess(model) is None and not raw_rules.is_twin(model):
            # Which range such a network was trained on is not known.
            return f"its input means {least:.3g}..{greatest:.3g}"
        if abs(least) < _RANGE_TOLERANCE and abs(greatest - 1) < _RANGE_TOLERANCE:
            return (
                "calibrated on 0..1, but SSD MobileNet networks are trained on -1..1: each image "
                "reaches the network too bright and at half its contrast, in every consumer, and AP is "
                "lost; convert it again with calibration through runtime.inference.preprocessing"
            )
        if max(abs(least + 1), abs(greatest - 1)) < _RANGE_TOLERANCE:
            return "calibrated on -1..1, as SSD MobileNet networks are trained"
        return f"calibrated on {least:.3g}..{greatest:.3g}, which is neither -1..1 nor 0..1"
    return ""


def as_dict(inspection: Inspection) -> dict[str, Any]:
    """The inspection as JSON values, which `--json` prints."""
    model = inspection.model
    post = anatomy.postprocess(model)
    return {
        "file": model.where,
        "bytes": len(model.data),
        "kind": inspection.kind.name,
        "not_for_edge_tpu": inspection.kind.not_edge_tpu,
        "inputs": [_tensor_dict(model.main.tensors[index]) for index in model.main.inputs],
        "outputs": [
            {**_tensor_dict(model.main.tensors[index]), "role": role}
            for index, role in zip(model.main.outputs, anatomy.output_roles(model))
        ],
        "calibration": inspection.calibration,
        "post_processing": {"kind": "custom" if post.custom else "built-in", **post.options} if post else None,
        "raw_head": raw_rules.facts(model),
        "decoding": inspection.decoding or None,
        "signatures": [
            {
                "key": signature.key,
                "inputs": {k: model.main.tensors[i].name for k, i in signature.inputs.items()},
                "outputs": {k: model.main.tensors[i].name for k, i in signature.outputs.items()},
            }
            for signature in model.signatures
        ],
        "metadata": _metadata_dict(inspection.metadata),
        "labels": list(inspection.labels) if inspection.labels else None,
        "operations": {
            row.name: {"count": row.count, "int8": row.int8, "types": list(row.types)}
            for row in inspection.operations
        },
        "not_int8": [str(operation) for operation in anatomy.not_int8(model)],
        "problems": [{"rule": p.rule, "message": p.message} for p in inspection.problems],
        "consumers": {
            verdict.consumer: {
                "works": verdict.works,
                "why": verdict.why,
                "fix": verdict.fix,
                "note": verdict.note,
            }
            for verdict in inspection.everywhere
        },
    }


def _labels(model: Model) -> tuple[str, Optional[Labels]]:
    metadata = rules.metadata_of(model)
    files = model.associated_files()
    named = [file.name for file in metadata.all_files() if file.holds_labels] if metadata else []
    for name in named:
        if name in files:
            text = files[name].decode("utf-8", errors="replace")
            try:
                names = label_formats.parse(text, name)
                return name, Labels.parse(text, name) if names is None else Labels(names)
            except InputError:
                return name, None
    if named:
        return "", None
    packed = model_labels.inside(model, metadata)
    return (packed.where.replace(f" in {model.where}", ""), packed.labels) if packed else ("", None)


def _tensor_dict(tensor: Tensor) -> dict[str, Any]:
    quantized = bool(tensor.quantization)
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "type": tensor.type,
        "scale": [float(value) for value in tensor.quantization.scales] if quantized else None,
        "zero_point": [int(v) for v in tensor.quantization.zero_points] if quantized else None,
    }


def _metadata_dict(metadata: Optional[Metadata]) -> Optional[dict[str, Any]]:
    if metadata is None:
        return None
    return {
        "name": metadata.name,
        "description": metadata.description,
        "inputs": [
            {"name": t.name, "mean": list(t.mean), "std": list(t.std)} for t in metadata.inputs
        ],
        "outputs": [
            {"name": t.name, "files": [file.name for file in t.files], "score_threshold": t.score_threshold}
            for t in metadata.outputs
        ],
    }
