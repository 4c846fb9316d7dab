"""The Edge TPU, through its delegate library (libedgetpu) and the same interpreter as the CPU's.

The library: https://coral.ai/docs/accelerator/get-started/; the delegate's options (`device`):
https://coral.ai/docs/edgetpu/multiple-edgetpu/.
"""

from __future__ import annotations

import re
import sys

from runtime.common.errors import InputError, KitError
from runtime.inference.engines import Engine, Request, is_compiled
from runtime.machine import edgetpu_devices
from runtime.machine.delegates import load_library, with_delegate
from runtime.machine.interpreter_packages import find_package
from runtime.model.tflite import Model

KIND = "the Edge TPU"
RANK = 10

LIBRARY = {"darwin": "libedgetpu.1.dylib", "win32": "edgetpu.dll"}.get(sys.platform, "libedgetpu.so.1")

DEVICES = re.compile(r"((usb|pci)(:\d+)?|:\d+)?")


def unfit(model: Model, request: Request) -> str:
    if not is_compiled(model):
        return "needs a file compiled for it, see python -m convert.edgetpu"
    return ""


def load(path: str, request: Request) -> Engine:
    device = checked_device(request.device)
    module, package = find_package()
    try:
        delegate = load_library(module, LIBRARY, {"device": device} if device else {})
    except OSError as error:
        raise KitError(_unloadable(str(error))) from error
    except ValueError as error:
        # The library's own words, after the line that names it; mostly there are none.
        said = " ".join(str(error).splitlines()[1:]).strip()
        reason = edgetpu_devices.why_not(device) or said or (
            f"{LIBRARY} gives no reason; plug the accelerator in again, and try without a hub between"
        )
        raise KitError(f"the Edge TPU cannot be used: {reason}") from error
    native = with_delegate(module, path, delegate, request.threads, f"{LIBRARY} through {package}")
    slow = edgetpu_devices.slow()
    return Engine(native, path, package, f"{LIBRARY} {device}".strip() + f", {package}", notes=(slow,) if slow else ())


def checked_device(device: str) -> str:
    """Raises InputError for what is no Edge TPU's name."""
    if not DEVICES.fullmatch(device):
        raise InputError(f"--device {device}: an Edge TPU is called usb, usb:0, pci, pci:0 or :0")
    return device


def _unloadable(reason: str) -> str:
    if "No such file" in reason or "cannot find" in reason.lower() or "not found" in reason.lower():
        missing = reason.partition(":")[0]
        if LIBRARY in missing or missing == reason:
            return (
                f"{LIBRARY} is not installed; install Coral's package libedgetpu1-std, "
                "see https://coral.ai/docs/accelerator/get-started/"
            )
        return f"{LIBRARY} needs {missing}, which is not installed"
    return f"{LIBRARY} cannot be loaded: {reason}; get the build for this system and processor"
