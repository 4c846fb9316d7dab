"""The CPU, with the XNNPACK kernels of the installed interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runtime.common.errors import InputError
from runtime.common.native_output import silence_native_output
from runtime.inference.engines import Engine, Request, is_compiled
from runtime.machine.interpreter_packages import find_package
from runtime.model.tflite import Model

KIND = "the CPU"
RANK = 100


def unfit(model: Model, request: Request) -> str:
    """The reason why the CPU cannot run `model`; see `runtime.inference.engines`."""
    if is_compiled(model):
        return "the file is compiled for the Edge TPU; use the int8 file that it was made of"
    return ""


def load(path: str, request: Request) -> Engine:
    """Loads the file `path` on the CPU. Raises InputError where the interpreter refuses it."""
    module, package = find_package()
    return on_cpu(module, path, request, package)


def on_cpu(module: Any, path: str, request: Request, package: str, **options: Any) -> Engine:
    """Loads the file `path` with the interpreter of `module`, which `package` installs.

    `options` go to the constructor of the interpreter. Raises InputError where it refuses the file, or where
    `request` names a device.
    """
    if request.device:
        raise InputError(f"--device {request.device}: the CPU has no devices to choose from")
    try:
        # Not by its path: the interpreter would map the file, and where somebody copies another over it, the process is
        # killed when it next reads what is no longer there.
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        # The native part of the interpreter prints messages and errors to standard error.
        with silence_native_output():
            native = module.Interpreter(model_content=content, num_threads=request.threads, **options)
            native.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: {package} cannot run it: {reason}") from error
    threads = "1 thread" if request.threads == 1 else f"{request.threads} threads"
    return Engine(native, path, package, f"{package} on {threads}")
