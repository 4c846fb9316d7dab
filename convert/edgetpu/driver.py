"""Finds and runs `edgetpu_compiler`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

from convert.edgetpu.report import Report, parse
from runtime.common.errors import InputError, KitError

PROGRAM = "edgetpu_compiler"
VARIABLE = "EDGETPU_COMPILER"

# In seconds. Compiling a detector takes seconds; for some models the compiler never ends.
TIMEOUT = 600.0


class CompilerMissing(KitError):
    """`edgetpu_compiler` is not on this machine."""


@dataclass(frozen=True, eq=False)
class Output:
    """The result of a compiler run: the compiled file, the report, and the text that the report was read from."""

    model: bytes
    report: Report
    text: str


def find(given: Union[str, os.PathLike[str], None] = None) -> Path:
    """The path of the compiler: `given`, else the variable EDGETPU_COMPILER, else `edgetpu_compiler` in PATH.

    Raises InputError where `given` or the variable names no program, CompilerMissing where none is found.
    """
    for source, name in (("--edgetpu-compiler", given), (VARIABLE, os.environ.get(VARIABLE))):
        if name:
            found = shutil.which(os.fspath(name))
            if found is None:
                raise InputError(f"{source} {name}: no executable program")
            return Path(found)
    found = shutil.which(PROGRAM)
    if found is None:
        raise CompilerMissing(f"{PROGRAM} is not on this machine")
    return Path(found)


def run(compiler: Path, model: Path, *, timeout: float = TIMEOUT) -> Output:
    """Compiles `model` in a temporary folder.

    Raises KitError, with the compiler's message, where it fails, takes longer than `timeout` seconds, or
    writes no file.
    """
    with tempfile.TemporaryDirectory(prefix="edgetpu-") as folder:
        command = [
            str(compiler), "--show_operations", "--timeout_sec", str(max(int(timeout), 1)),
            "--out_dir", folder, str(model),
        ]  # fmt: skip
        code, text = _run(command, timeout)
        log = Path(folder) / f"{model.stem}_edgetpu.log"
        if log.is_file():
            text += "\n" + log.read_text(encoding="utf-8", errors="replace")
        report = parse(text)
        if report.failure or code != 0:
            message = report.failure or _last_line(text) or "it printed nothing"
            raise KitError(f"{PROGRAM} failed on {model} (exit code {code}): {message}")
        compiled = Path(folder) / f"{model.stem}_edgetpu.tflite"
        if not compiled.is_file():
            raise KitError(
                f"{PROGRAM} ended without an error but wrote no {compiled.name} for {model}: "
                f"{_last_line(text) or 'it printed nothing'}"
            )
        return Output(compiled.read_bytes(), report, text)


def _run(command: list[str], timeout: float) -> tuple[int, str]:
    try:
        # The packaged program is a shell script that starts the compiler: at a timeout both must end.
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
    except OSError as error:
        raise KitError(f"{command[0]} cannot be run: {error.strerror}") from error
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise KitError(
            f"{PROGRAM} was stopped after {timeout:g} seconds without a result; allow more with "
            "--edgetpu-timeout, or find operations that may be the cause with python -m convert.edgetpu --check"
        ) from None
    finally:
        _end(process)
    return process.returncode, output.decode("utf-8", errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()


def _last_line(text: str) -> Optional[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else None
