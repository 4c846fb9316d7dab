"""What `convert.inspect` prints for a person."""

from __future__ import annotations

from typing import Optional, Sequence

from convert.contract import raw_rules, rules
from convert.contract.consumers import Verdict
from convert.file import anatomy
from convert.inspect.inspection import Inspection
from runtime.common.tables import aligned
from runtime.model import raw_head
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model, Tensor


def as_text(found: Inspection) -> str:
    """Sections with a title each, columns aligned."""
    model = found.model
    parts = [f"{model.where}  {len(model.data):,} bytes  {model.description}".rstrip()]
    parts.append("Inputs\n" + aligned(_tensor_rows(model, model.main.inputs)))
    parts.append("Outputs\n" + aligned(_tensor_rows(model, model.main.outputs)))
    if found.calibration:
        parts.append(f"Calibration\n  {found.calibration}")
    parts.append("Post-processing\n" + _post_text(model))
    parts.append("Signatures\n" + _signature_text(model))
    parts.append("Metadata\n" + _metadata_text(found.metadata))
    parts.append("Labels\n" + _label_text(found))
    parts.append("Operations\n" + _operation_text(found))
    if found.problems:
        rows = [(problem.rule, problem.message) for problem in found.problems]
        parts.append("Against the file contract\n" + aligned(rows))
    else:
        parts.append("Against the file contract\n  nothing is wrong")
    parts.append("Where it works\n" + aligned(_verdict_rows(found.verdicts)))
    return "\n\n".join(parts)


def _tensor_rows(model: Model, indices: Sequence[int]) -> list[tuple[str, ...]]:
    roles = dict(zip(model.main.outputs, anatomy.output_roles(model)))
    rows = []
    for number, index in enumerate(indices):
        tensor = model.main.tensors[index]
        shape = list(tensor.signature or tensor.shape)
        text = str(shape) if shape else "no shape"
        rows.append(
            (number, tensor.name, text, tensor.type, roles.get(index) or _quantisation(tensor))
        )
    return rows


def _quantisation(tensor: Tensor) -> str:
    if not tensor.quantization:
        return ""
    scale = f"scale {float(tensor.quantization.scales[0]):.8g}"
    zero = f"zero point {int(tensor.quantization.zero_points[0])}"
    limits = anatomy.input_range(tensor)
    means = f" (means {limits[0]:.3g}..{limits[1]:.3g})" if limits else ""
    return f"{scale}, {zero}{means}"


def _post_text(model: Model) -> str:
    found = anatomy.postprocess(model)
    if raw_rules.is_twin(model):
        return _raw_text(model)
    if found is None:
        return "  none"
    kind = f"  {anatomy.OPERATION}, one custom operation" if found.custom else f"  {len(found.steps)} built-in operations"
    return f"{kind}\n" + aligned((name, f"{value:g}") for name, value in sorted(_numbers(found.options)))


def _raw_text(model: Model) -> str:
    facts = raw_rules.facts(model)
    if facts is None:
        return f"  none, and {raw_head.FILE} inside, which should say how to do it, cannot be read"
    rows = [(name, " ".join(f"{number:g}" for number in _listed(value))) for name, value in facts.items()]
    return f"  none: {raw_head.FILE} inside says how detections are made of the outputs\n{aligned(rows)}"


def _listed(value) -> Sequence[float]:
    return value if isinstance(value, list) else [value]


def _numbers(options) -> list[tuple[str, float]]:
    return [(k, v) for k, v in options.items() if isinstance(v, (int, float))]


def _signature_text(model: Model) -> str:
    if not model.signatures:
        return "  none"
    found = anatomy.postprocess(model)
    roles = {index: role for role, index in found.roles.items()} if found else {}
    rows = []
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
        rows.append(("output", "  ".join(filter(None, (tensor.name, layout, files)))))
    return aligned(rows)


def _label_text(found: Inspection) -> str:
    if found.labels is None:
        return "  none inside the file"
    names = list(found.labels)
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"  {len(names)} in {found.label_file}: {shown}"


def _operation_text(found: Inspection) -> str:
    rows = [("operation", "count", "int8", "values")]
    rows += [(row.name, row.count, row.int8, ", ".join(row.types)) for row in found.operations]
    rows.append(
        ("total", sum(r.count for r in found.operations), sum(r.int8 for r in found.operations), "")
    )
    odd = anatomy.not_int8(found.model)
    if not odd:
        where = " before the post-processing" if anatomy.postprocess(found.model) else ""
        return aligned(rows) + f"\n  every operation{where} is int8"
    if all(row.int8 == 0 for row in found.operations):
        return aligned(rows) + "\n  no operation is int8"
    return f"{aligned(rows)}\n  not int8: {rules.describe_odd(found.model)}"


def _verdict_rows(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    rows = []
    for verdict in verdicts:
        if verdict.works:
            rows.append((verdict.consumer, "works", verdict.note))
        else:
            rows.append((verdict.consumer, "does not", verdict.why))
            rows.append(("", "", f"to do: {verdict.fix}"))
    return rows
