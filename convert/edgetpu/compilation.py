"""Compiles an int8 detector for the Edge TPU, or completes one that was compiled on another machine."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Optional, Union

from convert.contract import raw_rules
from convert.edgetpu import driver
from convert.edgetpu.driver import PROGRAM, TIMEOUT, CompilerMissing
from convert.edgetpu.report import parse
from convert.edgetpu.result import Compiled, admit
from convert.file import anatomy
from runtime.common.errors import InputError, KitError
from runtime.common.files import write_text
from runtime.model.metadata import ENTRY
from runtime.model.tflite import Model

MIN_MAPPED = 0.95
INT8_NAME = "detector_int8.tflite"
MANIFEST = "manifest.json"

WHERE_TO_GET = (
    "it runs on Linux x86-64 only; its package is at https://coral.ai/docs/edgetpu/compiler/, a host that is "
    "not always reachable"
)

_PathLike = Union[str, "os.PathLike[str]"]


def compile_file(
    path: _PathLike,
    *,
    compiler: Optional[_PathLike] = None,
    min_mapped: float = MIN_MAPPED,
    timeout: float = TIMEOUT,
) -> Compiled:
    """Compiles the int8 file `path`; writes `NAME_edgetpu.tflite` and `NAME_edgetpu.log` beside it.

    `compiler` is that of `driver.find`; `timeout` is in seconds. Raises CompilerMissing, which names the
    command to run on another machine, where there is no compiler; KitError where the compiler fails, writes no
    file, or maps less than the share `min_mapped` of the operations before the post-processing (the file is
    then kept as `NAME_edgetpu.rejected.tflite`); InputError where `path` is no int8 detector.
    """
    source = _read_source(Path(path))
    try:
        program = driver.find(compiler)
    except CompilerMissing as error:
        raise CompilerMissing(f"{error}: {WHERE_TO_GET}. {elsewhere(Path(path))}") from None
    output = driver.run(program, Path(path), timeout=timeout)
    return admit(output.model, output.text, source, Path(path).parent, min_mapped)


def finish(
    log: _PathLike,
    compiled: _PathLike,
    *,
    export: Optional[_PathLike] = None,
    min_mapped: float = MIN_MAPPED,
) -> Compiled:
    """Completes the file `compiled`, which was compiled on another machine with the report `log`.

    `export` is the folder with the int8 file that it was compiled from; by default the folder of `compiled`,
    else the newest `runs/*/export`. The file is checked as in `compile_file` and written there, and the report
    is added to the manifest. Raises InputError where a file is missing or no report, KitError where the
    compiler failed or a check does.
    """
    try:
        text = Path(log).read_text(encoding="utf-8", errors="replace")
        model = Path(compiled).read_bytes()
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from error
    report = parse(text)
    if not report.succeeded and not report.failure:
        raise InputError(f"{log}: neither a report nor an operation log of {PROGRAM}")
    if report.failure:
        raise KitError(f"{log}: {PROGRAM} failed: {report.failure}")
    folder = _export_folder(Path(compiled), export)
    source = _read_source(folder / _source_name(Path(compiled)))
    result = admit(model, text, source, folder, min_mapped)
    into_manifest(folder, result)
    return result


def elsewhere(path: Path) -> str:
    """Instructions: compile the int8 file `path` on a machine that has the compiler, then complete it here."""
    log, made = f"{path.stem}_edgetpu.log", f"{path.stem}_edgetpu.tflite"
    report = f"{path.stem}_edgetpu.txt"
    return (
        f"{path} is ready to be compiled: on a machine with the compiler run `{PROGRAM} -s {path.name} | "
        f"tee {report}`, bring back {made} and {report} (or {log}), and run `python -m "
        f"convert.edgetpu --finish {report} {made} --export {path.parent}`"
    )


def add_options(parser: argparse._ActionsContainer) -> None:
    """Adds the options that `python -m convert` and `python -m convert.edgetpu` share."""
    parser.add_argument(
        "--edgetpu-compiler",
        metavar="PATH",
        help=f"the compiler (default: the variable {driver.VARIABLE}, else {PROGRAM} in PATH)",
    )
    parser.add_argument(
        "--edgetpu-timeout",
        type=float,
        default=TIMEOUT,
        metavar="SECONDS",
        help="time after which the compiler is stopped (default: %(default)g)",
    )
    parser.add_argument(
        "--min-mapped",
        type=float,
        default=MIN_MAPPED,
        metavar="SHARE",
        help="share of the operations before the post-processing that must be mapped (default: %(default)g)",
    )


def _read_source(path: Path) -> Model:
    model = Model.read(path)
    if anatomy.postprocess(model) is None and not raw_rules.is_twin(model):
        raise InputError(f"{path}: no detector with its post-processing inside")
    if any(op.custom_name == anatomy.EDGE_TPU_OPERATION for op in model.main.operators):
        raise InputError(f"{path}: already compiled for the Edge TPU")
    batch = model.main.tensors[model.main.inputs[0]].shape[0]
    if batch > 1:
        raise InputError(f"{path}: takes {batch} images at once, and the Edge TPU runs one; convert without --batch")
    odd = anatomy.not_int8(model)
    if odd:
        raise InputError(f"{path}: not int8, as the Edge TPU needs it: {odd[0]}")
    if ENTRY not in model.metadata:
        raise InputError(f"{path}: no metadata inside; write it with convert.contract.contract.finish")
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
    raise InputError(f"{name}, which {compiled} was compiled from, is not in {looked}; name its folder with --export")


def into_manifest(folder: Path, compiled: Compiled) -> None:
    """Adds the compiler's report to the manifest in `folder`, if there is one."""
    path = folder / MANIFEST
    if not path.is_file():
        return
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    manifest["edge_tpu"] = compiled.as_dict()
    write_text(path, json.dumps(manifest, indent=1) + "\n")
