"""The text that `python -m convert.inspect` prints."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

from convert.contract import kind_rules, raw_rules
from convert.contract.consumers import Verdict
from convert.file import anatomy
from convert.inspect.inspection import Inspection
from runtime.common.tables import aligned
from runtime.model import raw_head
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model, Tensor


def as_text(inspection: Inspection) -> str:
    """The inspection as text: a section with a title for each part, columns aligned."""
    model = inspection.model
    parts = [f"{model.where}  {len(model.data):,} bytes  {model.description}".rstrip()]
    parts.append(f"Kind\n  {inspection.kind.name}: {inspection.kind.about}")
    parts.append("Inputs\n" + aligned(_tensor_rows(model, model.main.inputs)))
    parts.append("Outputs\n" + aligned(_tensor_rows(model, model.main.outputs)))
    if inspection.calibration:
        parts.append(f"Calibration\n  {inspection.calibration}")
    parts.append("Post-processing\n" + _post_text(inspection))
    parts.append("Signatures\n" + _signature_text(model))
    parts.append("Metadata\n" + _metadata_text(inspection.metadata))
    parts.append("Labels\n" + _label_text(inspection))
    parts.append("Operations\n" + _operation_text(inspection))
    if inspection.problems:
        rows = [(problem.rule, problem.message) for problem in inspection.problems]
        parts.append("Violations of the file contract\n" + aligned(rows))
    else:
        parts.append("Violations of the file contract\n  none")
    parts.append("Where it works\n" + aligned(_verdict_rows(inspection.everywhere)))
    return "\n\n".join(parts)


def _tensor_rows(model: Model, indices: Sequence[int]) -> list[tuple[object, ...]]:
    roles = dict(zip(model.main.outputs, anatomy.output_roles(model)))
    rows: list[tuple[object, ...]] = []
    for number, index in enumerate(indices):
        tensor = model.main.tensors[index]
        shape = list(tensor.signature or tensor.shape)
        text = str(shape) if shape else "no shape"
        rows.append(
            (number, tensor.name, text, tensor.type, roles.get(index) or _quantization(tensor))
        )
    return rows


def _quantization(tensor: Tensor) -> str:
    if not tensor.quantization:
        return ""
    scale = f"scale {float(tensor.quantization.scales[0]):.8g}"
    zero = f"zero point {int(tensor.quantization.zero_points[0])}"
    limits = anatomy.input_range(tensor)
    means = f" (means {limits[0]:.3g}..{limits[1]:.3g})" if limits else ""
    return f"{scale}, {zero}{means}"


def _post_text(inspection: Inspection) -> str:
    model = inspection.model
    found = anatomy.postprocess(model)
    if raw_rules.is_twin(model):
        return _raw_text(model)
    if found is None:
        return f"  none: {inspection.decoding}" if inspection.decoding else "  none"
    custom = f"  {anatomy.OPERATION}, one custom operation"
    kind = custom if found.custom else f"  {len(found.steps)} built-in operations"
    return f"{kind}\n" + aligned((name, f"{value:g}") for name, value in sorted(_numbers(found.options)))


def _raw_text(model: Model) -> str:
    facts = raw_rules.facts(model)
    if facts is None:
        return f"  none, and {raw_head.FILE} inside, which describes the outputs, cannot be read"
    rows = [(name, " ".join(f"{number:g}" for number in _listed(value))) for name, value in facts.items()]
    return f"  none: {raw_head.FILE} inside describes how to decode the outputs\n{aligned(rows)}"


def _listed(value: float | list[float]) -> Sequence[float]:
    return value if isinstance(value, list) else [value]


def _numbers(options: Mapping[str, Any]) -> list[tuple[str, float]]:
    return [(k, v) for k, v in options.items() if isinstance(v, (int, float))]


def _signature_text(model: Model) -> str:
    if not model.signatures:
        return "  none"
    found = anatomy.postprocess(model)
    roles = {index: role for role, index in found.roles.items()} if found else {}
    rows: list[tuple[object, ...]] = []
    for signature in model.signatures:
        tensors = model.subgraphs[signature.subgraph].tensors
        for name, index in (*signature.inputs.items(), *signature.outputs.items()):
            rows.append((signature.key, name, roles.get(index, ""), tensors[index].name))
    return aligned(rows)


def _metadata_text(metadata: Optional[Metadata]) -> str:
    if metadata is None:
        return "  none"
    rows = [("name", metadata.name)]
    for tensor in metadata.inputs:
        scaling = f"mean {list(tensor.mean)}, std {list(tensor.std)}" if tensor.mean else ""
        rows.append(("input", f"{tensor.name}  {scaling}".rstrip()))
    for tensor in metadata.outputs:
        boxes = tensor.boxes
        layout = f"index {list(boxes.index)} {boxes.type} {boxes.coordinates}" if boxes else ""
        files = ", ".join(f"{file.name} ({file.type})" for file in tensor.files)
        least = tensor.score_threshold
        threshold = "" if least is None else f"score threshold {least:g}"
        rows.append(("output", "  ".join(filter(None, (tensor.name, layout, threshold, files)))))
    return aligned(rows)


def _label_text(inspection: Inspection) -> str:
    if inspection.labels is None:
        return "  none inside the file"
    names = list(inspection.labels)
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"  {len(names)} in {inspection.label_file}: {shown}"


def _operation_text(inspection: Inspection) -> str:
    rows: list[tuple[object, ...]] = [("operation", "count", "int8", "values")]
    rows += [(row.name, row.count, row.int8, ", ".join(row.types)) for row in inspection.operations]
    rows.append(
        ("total", sum(r.count for r in inspection.operations), sum(r.int8 for r in inspection.operations), "")
    )
    odd = anatomy.not_int8(inspection.model)
    if not odd:
        where = " before the post-processing" if anatomy.postprocess(inspection.model) else ""
        return aligned(rows) + f"\n  every operation{where} is int8"
    if all(row.int8 == 0 for row in inspection.operations):
        return aligned(rows) + "\n  no operation is int8"
    return f"{aligned(rows)}\n  not int8: {kind_rules.describe_odd(inspection.model)}"


def _verdict_rows(verdicts: Sequence[Verdict]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for verdict in verdicts:
        if verdict.works:
            rows.append((verdict.consumer, "works", verdict.note))
        else:
            rows.append((verdict.consumer, "does not", verdict.why))
            rows.append(("", "", f"to do: {verdict.fix}"))
    return rows
