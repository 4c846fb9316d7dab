"""What becomes of a compiled file: is enough of it on the Edge TPU, and does the contract still hold?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convert.contract import contract, raw_rules
from convert.contract.raw_twin import with_twins_metadata_of
from convert.edgetpu import prediction as edgetpu_check
from convert.edgetpu import report as edgetpu_report
from convert.edgetpu.driver import PROGRAM
from convert.edgetpu.report import Report
from convert.file import anatomy
from convert.file.metadata import with_metadata_of
from runtime.common.errors import KitError
from runtime.common.files import atomic_path, write_text
from runtime.common.tables import aligned
from runtime.model.tflite import Model


@dataclass(frozen=True)
class Compiled:
    """A compiled file in its place. `share` is mapped operations of those before post-processing."""

    path: Path
    log: Path
    report: Report
    share: float

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        facts = self.report.as_dict()
        facts["share_before_post_processing"] = round(self.share, 4)
        return {"file": self.path.name, "log": self.log.name, **facts}


def take(model: bytes, text: str, source: Model, folder: Path, min_mapped: float) -> Compiled:
    """Checks what the compiler gave for `source`, puts metadata back, and writes both files."""
    name = Path(source.where).stem
    path, log = folder / f"{name}_edgetpu.tflite", folder / f"{name}_edgetpu.log"
    report = edgetpu_report.parse(text)
    read = Model.parse(model, f"the compiled {path.name}")
    share = share_mapped(report, source)
    faults = []
    if not any(op.custom_name == anatomy.EDGE_TPU_OPERATION for op in read.main.operators):
        faults.append(f"it holds no {anatomy.EDGE_TPU_OPERATION}: nothing in it runs on the Edge TPU")
    elif share < min_mapped:
        faults.append(_too_few(report, source, share, min_mapped))
    if not faults:
        # Some compilers keep what stands behind the FlatBuffer, some do not; so it is put back.
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


def as_text(done: Compiled) -> str:
    """What the command prints of a compiled file."""
    report = done.report
    mib = {
        name: "?" if size is None else f"{size / (1 << 20):.2f} MiB"
        for name, size in (("on", report.on_chip), ("streamed", report.streamed))
    }
    lines = [
        f"{done.path}: as {PROGRAM} {report.version or '(version unknown)'} reports, "
        f"{report.on_tpu} of {report.operations} operations on the Edge TPU, "
        f"{100 * done.share:.0f} % of those before the post-processing",
        f"parameters: {mib['on']} on the chip, {mib['streamed']} streamed at every inference",
    ]
    rows = [(row.operator, row.count, row.status) for row in report.rows]
    return "\n".join(lines + ([aligned(rows)] if rows else []))


def share_mapped(report: Report, source: Model) -> float:
    """Operations on the TPU of those before the post-processing, 0..1.

    The compiler's total counts the post-processing and the dequantisation in front of it, which
    cannot be mapped.
    """
    rest = len(edgetpu_check.predict(source).operations) - len(edgetpu_check.predict(source).network)
    if report.operations is None or report.on_tpu is None:
        return 0.0
    return min(report.on_tpu / max(report.operations - rest, 1), 1.0)


def _too_few(report: Report, source: Model, share: float, min_mapped: float) -> str:
    """Names operation, status and layer, and what to change."""
    prediction = edgetpu_check.predict(source)
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
    breaks = prediction.breaks
    if breaks and not any(breaks[0].fault.fix in part for part in parts):
        first = breaks[0]
        parts.append(
            f"by the rules the TPU part ends at {first.name} of layer {first.layer}: "
            f"{first.fault.reason} (to change: {first.fault.fix})"
        )
    return (
        f"only {100 * share:.0f} % of the operations before the post-processing are mapped "
        f"({report.on_tpu} of {report.operations} of all), and --min-mapped is "
        f"{100 * min_mapped:.0f} %: {'; '.join(parts) or 'the report has no table of operations'}"
    )


def _write(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
