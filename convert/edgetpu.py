"""Compiles an int8 detector for the Edge TPU, predicts what would map, or takes in what was compiled elsewhere.

    python -m convert.edgetpu FILE                 run edgetpu_compiler
    python -m convert.edgetpu --check FILE         predict from the rules, without the compiler
    python -m convert.edgetpu --finish LOG FILE    FILE and LOG come from the compiler elsewhere
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Sequence, Union

from convert import anatomy, contract, edgetpu_check, edgetpu_driver, edgetpu_report
from convert.edgetpu_driver import PROGRAM, TIMEOUT, CompilerMissing
from convert.edgetpu_report import Report
from convert.metadata import with_metadata_of
from convert.table import aligned
from runtime.command import run
from runtime.errors import InputError, KitError
from runtime.files import atomic_path, write_text
from runtime.metadata import ENTRY
from runtime.tflite import Model

MIN_MAPPED = 0.95
INT8_NAME = "detector_int8.tflite"
MANIFEST = "manifest.json"

WHERE_TO_GET = (
    "it runs on Linux x86-64 only; https://coral.ai/docs/edgetpu/compiler/ has its package, whose "
    "host is no longer dependable"
)

_PathLike = Union[str, os.PathLike]


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


def compile_file(
    path: _PathLike,
    *,
    compiler: Optional[_PathLike] = None,
    min_mapped: float = MIN_MAPPED,
    timeout: float = TIMEOUT,
) -> Compiled:
    """Compiles the int8 file `path`; writes `NAME_edgetpu.tflite` and `NAME_edgetpu.log` beside it.

    `compiler` as in `edgetpu_driver.find`; `timeout` in seconds. Raises CompilerMissing, naming
    the command to run elsewhere, where there is no compiler; KitError where it fails, writes
    nothing, or maps less than `min_mapped` of the operations before the post-processing (the file
    is then left as `NAME_edgetpu.rejected.tflite`); InputError where `path` is no int8 detector.
    """
    source = _read_source(Path(path))
    try:
        program = edgetpu_driver.find(compiler)
    except CompilerMissing as error:
        raise CompilerMissing(f"{error}: {WHERE_TO_GET}. {elsewhere(Path(path))}") from None
    output = edgetpu_driver.run(program, Path(path), timeout=timeout)
    return _take(output.model, output.text, source, Path(path).parent, min_mapped)


def finish(
    log: _PathLike,
    compiled: _PathLike,
    *,
    export: Optional[_PathLike] = None,
    min_mapped: float = MIN_MAPPED,
) -> Compiled:
    """Takes a file that was compiled elsewhere, and its report, into the export folder.

    `export` holds the int8 file it was made from; by default it is the folder of `compiled`, else
    the newest `runs/*/export`. The checks are those of `compile_file`, and a manifest there gets
    the report.
    """
    try:
        text = Path(log).read_text(encoding="utf-8", errors="replace")
        model = Path(compiled).read_bytes()
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from error
    report = edgetpu_report.parse(text)
    if not report.succeeded and not report.failure:
        raise InputError(f"{log}: neither a report nor an operation log of {PROGRAM}")
    if report.failure:
        raise KitError(f"{log}: {PROGRAM} failed: {report.failure}")
    folder = _export_folder(Path(compiled), export)
    source = _read_source(folder / _source_name(Path(compiled)))
    result = _take(model, text, source, folder, min_mapped)
    _into_manifest(folder / MANIFEST, result)
    return result


def elsewhere(path: Path) -> str:
    """What to do with the int8 file `path` on a machine that has the compiler, and then here."""
    log, made = f"{path.stem}_edgetpu.log", f"{path.stem}_edgetpu.tflite"
    report = f"{path.stem}_edgetpu.txt"
    return (
        f"{path} is ready for it: on a machine with the compiler run `{PROGRAM} -s {path.name} | "
        f"tee {report}`, bring back {made} and {report} (or {log}), and run `python -m "
        f"convert.edgetpu --finish {report} {made} --export {path.parent}`"
    )


def share_mapped(report: Report, source: Model) -> float:
    """Operations on the TPU of those before the post-processing, 0..1.

    The compiler's total counts the post-processing and the dequantisation in front of it, which
    cannot be mapped.
    """
    rest = len(edgetpu_check.predict(source).operations) - len(edgetpu_check.predict(source).network)
    if report.operations is None or report.on_tpu is None:
        return 0.0
    return min(report.on_tpu / max(report.operations - rest, 1), 1.0)


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m convert.edgetpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", help="an int8 .tflite; with --finish the compiled one")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="predict only")
    mode.add_argument("--finish", metavar="LOG", help="take in a compiled file and its report")
    parser.add_argument("--export", metavar="DIR", help="with --finish: the export folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_options(parser)
    options = parser.parse_args(argv)
    if options.check:
        prediction = edgetpu_check.predict(Model.read(options.file))
        _print(options.json, edgetpu_check.as_dict(prediction), edgetpu_check.as_text(prediction))
        return 0
    if options.finish:
        done = finish(
            options.finish, options.file, export=options.export, min_mapped=options.min_mapped
        )
    else:
        done = compile_file(
            options.file,
            compiler=options.edgetpu_compiler,
            min_mapped=options.min_mapped,
            timeout=options.edgetpu_timeout,
        )
    _print(options.json, done.as_dict(), as_text(done))
    return 0


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that `python -m convert` shares."""
    parser.add_argument(
        "--edgetpu-compiler",
        metavar="PATH",
        help=f"the compiler (default: {edgetpu_driver.VARIABLE}, else {PROGRAM} in PATH)",
    )
    parser.add_argument(
        "--edgetpu-timeout",
        type=float,
        default=TIMEOUT,
        metavar="SECONDS",
        help="stop the compiler after so long (default: %(default)g)",
    )
    parser.add_argument(
        "--min-mapped",
        type=float,
        default=MIN_MAPPED,
        metavar="SHARE",
        help="fail when less of the operations before the post-processing is mapped "
        "(default: %(default)g)",
    )


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


def _take(model: bytes, text: str, source: Model, folder: Path, min_mapped: float) -> Compiled:
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
        classes = anatomy.postprocess(source).classes
        model = with_metadata_of(source.data, contract.arranged(model, classes=classes))
        faults += [str(violation) for violation in contract.check(model, where=path.name)]
    write_text(log, text)
    if faults:
        rejected = path.with_suffix(".rejected.tflite")
        _write(rejected, model)
        raise KitError(f"{'; '.join(faults)}. The file is left as {rejected}")
    _write(path, model)
    return Compiled(path, log, report, share)


def _too_few(report: Report, source: Model, share: float, min_mapped: float) -> str:
    """Names operation, status and layer, and what to change."""
    prediction = edgetpu_check.predict(source)
    after = {op.name for op in prediction.operations if op.postprocessing} | {"CUSTOM"}
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


def _read_source(path: Path) -> Model:
    model = Model.read(path)
    if anatomy.postprocess(model) is None:
        raise InputError(f"{path}: no detector with its post-processing inside")
    if any(op.custom_name == anatomy.EDGE_TPU_OPERATION for op in model.main.operators):
        raise InputError(f"{path}: compiled for the Edge TPU already")
    odd = anatomy.not_int8(model)
    if odd:
        raise InputError(f"{path}: not int8, as the Edge TPU needs it: {odd[0]}")
    if ENTRY not in model.metadata:
        raise InputError(f"{path}: without metadata; write it with convert.contract.finish")
    return model


def _source_name(compiled: Path) -> str:
    stem = compiled.stem
    return f"{stem[: -len('_edgetpu')]}.tflite" if stem.endswith("_edgetpu") else INT8_NAME


def _export_folder(compiled: Path, export: Optional[_PathLike]) -> Path:
    name = _source_name(compiled)
    if export is not None:
        folders = [Path(export)]
    else:
        runs = sorted(Path("runs").glob("*/export"), key=lambda p: p.stat().st_mtime, reverse=True)
        folders = [compiled.resolve().parent, *runs]
    for folder in folders:
        if (folder / name).is_file():
            return folder
    looked = ", ".join(map(str, folders))
    raise InputError(f"no {name}, which {compiled} was made from, in {looked}; name its folder with --export")


def _into_manifest(path: Path, done: Compiled) -> None:
    if not path.is_file():
        return
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    manifest["edge_tpu"] = done.as_dict()
    write_text(path, json.dumps(manifest, indent=1) + "\n")


def _write(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _print(as_json: bool, facts: dict[str, Any], text: str) -> None:
    print(json.dumps(facts, indent=1) if as_json else text)


if __name__ == "__main__":
    run(main)
