"""The processor, through whichever package holds the interpreter; XNNPACK does the arithmetic."""

from __future__ import annotations

from typing import Any

from runtime.common.errors import InputError
from runtime.common.native_output import quiet
from runtime.inference.engines import Engine, Request, is_compiled
from runtime.machine.interpreter_packages import find_package
from runtime.model.tflite import Model

KIND = "the CPU"
RANK = 100


def unfit(model: Model, request: Request) -> str:
    if is_compiled(model):
        return "the file is compiled for the Edge TPU; use the int8 file that it was made of"
    return ""


def load(path: str, request: Request) -> Engine:
    module, package = find_package()
    return on_cpu(module, path, request, package)


def on_cpu(module: Any, path: str, request: Request, package: str, **options: Any) -> Engine:
    """With `options` for the interpreter's constructor."""
    if request.device:
        raise InputError(f"--device {request.device}: the CPU has no devices to choose from")
    try:
        # The interpreter's native half greets on standard error, and complains there too.
        with quiet():
            native = module.Interpreter(model_path=path, num_threads=request.threads, **options)
            native.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: {package} cannot run it: {reason}") from error
    threads = "1 thread" if request.threads == 1 else f"{request.threads} threads"
    return Engine(native, path, package, f"{package} on {threads}")
