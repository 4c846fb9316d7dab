"""The Edge TPU, through its delegate library libedgetpu and the same interpreter as for the CPU.

Sources: https://coral.ai/docs/accelerator/get-started/ for the library, and
https://coral.ai/docs/edgetpu/multiple-edgetpu/ for the option `device` of the delegate.
"""

from __future__ import annotations

import re
import sys

from runtime.common.errors import InputError, KitError
from runtime.inference.engines import Engine, Request, is_compiled
from runtime.machine import edgetpu_devices
from runtime.machine.delegates import interpreter_with_delegate, load_delegate
from runtime.machine.interpreter_packages import find_package
from runtime.model.tflite import Model

KIND = "the Edge TPU"
RANK = 10

LIBRARY = {"darwin": "libedgetpu.1.dylib", "win32": "edgetpu.dll"}.get(sys.platform, "libedgetpu.so.1")

DEVICES = re.compile(r"((usb|pci)(:\d+)?|:\d+)?")


def unfit(model: Model, request: Request) -> str:
    """The reason why the Edge TPU cannot run `model`; see `runtime.inference.engines`."""
    if not is_compiled(model):
        return "needs a file compiled for it, see python -m convert.edgetpu"
    return ""


def load(path: str, request: Request) -> Engine:
    """Loads the file `path` on the Edge TPU that `request` names.

    Raises InputError for a wrong device name, KitError with the reason where the Edge TPU cannot be used.
    """
    device = checked_device(request.device)
    module, package = find_package()
    try:
        delegate = load_delegate(module, LIBRARY, {"device": device} if device else {})
    except OSError as error:
        raise KitError(_load_error(str(error))) from error
    except ValueError as error:
        # The reason that the library gives after the line with its name; mostly empty.
        message = " ".join(str(error).splitlines()[1:]).strip()
        reason = edgetpu_devices.diagnose(device) or message or (
            f"{LIBRARY} gives no reason; plug the accelerator in again, and try without a hub between"
        )
        raise KitError(f"the Edge TPU cannot be used: {reason}") from error
    native = interpreter_with_delegate(module, path, delegate, request.threads, f"{LIBRARY} through {package}")
    warning = edgetpu_devices.usb2_warning()
    return Engine(native, path, package, f"{LIBRARY} {device}".strip() + f", {package}", notes=(warning,) if warning else ())


def checked_device(device: str) -> str:
    """Returns `device`. Raises InputError where it is not the name of an Edge TPU."""
    if not DEVICES.fullmatch(device):
        raise InputError(f"--device {device}: an Edge TPU is called usb, usb:0, pci, pci:0 or :0")
    return device


def _load_error(reason: str) -> str:
    if "No such file" in reason or "cannot find" in reason.lower() or "not found" in reason.lower():
        missing = reason.partition(":")[0]
        if LIBRARY in missing or missing == reason:
            return (
                f"{LIBRARY} is not installed; install Coral's package libedgetpu1-std, "
                "see https://coral.ai/docs/accelerator/get-started/"
            )
        return f"{LIBRARY} needs {missing}, which is not installed"
    return f"{LIBRARY} cannot be loaded: {reason}; get the build for this system and processor"
