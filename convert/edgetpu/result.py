"""Checks a compiled file, puts its metadata back and writes it: its gate, as `evaluation.gate` is for others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convert.contract import contract, raw_rules
from convert.contract.raw_twin import with_twins_metadata_of
from convert.edgetpu.driver import PROGRAM
from convert.edgetpu.prediction import predict
from convert.edgetpu.report import Report, parse
from convert.file import anatomy
from convert.file.metadata import with_metadata_of
from runtime.common.errors import KitError
from runtime.common.files import atomic_path, write_text
from runtime.common.tables import aligned
from runtime.model.tflite import Model


@dataclass(frozen=True)
class Compiled:
    """A compiled file that passed. `share` is that of the operations before the post-processing that is mapped."""

    path: Path
    log: Path
    report: Report
    share: float

    def as_dict(self) -> dict[str, Any]:
        """File, log and report as JSON values, for the manifest."""
        facts = self.report.as_dict()
        facts["share_before_post_processing"] = round(self.share, 4)
        return {"file": self.path.name, "log": self.log.name, **facts}


def admit(model: bytes, text: str, source: Model, folder: Path, min_mapped: float) -> Compiled:
    """Writes the compiled `model` and the compiler's report `text` into `folder`, if it passes the checks.

    The metadata of `source`, the file that was compiled, is put back. At least the share `min_mapped` of the
    operations before the post-processing must be mapped, and every line of the file contract must hold.
    Otherwise the file is kept as `NAME_edgetpu.rejected.tflite` and KitError is raised.
    """
    name = Path(source.where).stem
    path, log = folder / f"{name}_edgetpu.tflite", folder / f"{name}_edgetpu.log"
    report = parse(text)
    read = Model.parse(model, f"the compiled {path.name}")
    share = share_mapped(report, source)
    faults = []
    if not any(op.custom_name == anatomy.EDGE_TPU_OPERATION for op in read.main.operators):
        faults.append(f"it holds no {anatomy.EDGE_TPU_OPERATION}: nothing in it runs on the Edge TPU")
    elif share < min_mapped:
        faults.append(_too_few(report, source, share, min_mapped))
    if not faults:
        # Some versions of the compiler drop the files packed behind the FlatBuffer.
        model = _finished(model, source)
        faults += [str(violation) for violation in contract.check(model, where=path.name)]
    write_text(log, text)
    if faults:
        rejected = path.with_suffix(".rejected.tflite")
        _write(rejected, model)
        raise KitError(f"{'; '.join(faults)}. The file is left as {rejected}")
    _write(path, model)
    return Compiled(path, log, report, share)


def _finished(model: bytes, source: Model) -> bytes:
    if raw_rules.is_twin(source):
        return with_twins_metadata_of(source.data, model)
    classes = anatomy.required_postprocess(source).classes
    return with_metadata_of(source.data, contract.arranged(model, classes=classes))


def as_text(compiled: Compiled) -> str:
    """The result as text, which the commands print."""
    report = compiled.report
    mib = {
        name: "?" if size is None else f"{size / (1 << 20):.2f} MiB"
        for name, size in (("on", report.on_chip), ("streamed", report.streamed))
    }
    lines = [
        f"{compiled.path}: as {PROGRAM} {report.version or '(version unknown)'} reports, "
        f"{report.on_tpu} of {report.operations} operations on the Edge TPU, "
        f"{100 * compiled.share:.0f} % of those before the post-processing",
        f"parameters: {mib['on']} on the chip, {mib['streamed']} streamed at every inference",
    ]
    rows = [(row.operator, row.count, row.status) for row in report.rows]
    return "\n".join(lines + ([aligned(rows)] if rows else []))


def share_mapped(report: Report, source: Model) -> float:
    """The share of the operations before the post-processing that is mapped, 0..1.

    The compiler's total includes the post-processing and the dequantization in front of it, which cannot be
    mapped and are left out here.
    """
    prediction = predict(source)
    rest = len(prediction.operations) - len(prediction.network)
    if report.operations is None or report.on_tpu is None:
        return 0.0
    return min(report.on_tpu / max(report.operations - rest, 1), 1.0)


def _too_few(report: Report, source: Model, share: float, min_mapped: float) -> str:
    """The message where too little is mapped: operations with status and layer, and what to change."""
    prediction = predict(source)
    after = {op.name for op in prediction.operations} - {op.name for op in prediction.network} | {"CUSTOM"}
    parts = []
    for row in report.unmapped:
        if row.operator in after:
            continue
        alike = [op for op in prediction.network if op.name == row.operator]
        likely = [op for op in alike if not op.mapped] or alike
        text = f"{row.count} x {row.operator} ({row.status})"
        if likely:
            text += f" such as layer {likely[0].layer}"
        if likely and likely[0].fault:
            text += f" (to change: {likely[0].fault.fix})"
        parts.append(text)
    for first, fault in prediction.breaks[:1]:
        if not any(fault.fix in part for part in parts):
            parts.append(
                f"by the rules, the part on the TPU ends at {first.name} of layer {first.layer}: "
                f"{fault.reason} (to change: {fault.fix})"
            )
    return (
        f"only {100 * share:.0f} % of the operations before the post-processing are mapped "
        f"({report.on_tpu} of {report.operations} of all), and --min-mapped is "
        f"{100 * min_mapped:.0f} %: {'; '.join(parts) or 'the report has no table of operations'}"
    )


def _write(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
