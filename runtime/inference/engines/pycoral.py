"""The Edge TPU, through Coral's own Python package pycoral (Python 3.9 and older).

The distribution `pycoral` on the public index is an unrelated project; this module detects it.
"""

from __future__ import annotations

import importlib.util
from importlib import import_module

from runtime.common.errors import KitError
from runtime.common.native_output import silence_native_output
from runtime.inference.engines import Engine, Request, is_compiled
from runtime.inference.engines.edgetpu import checked_device
from runtime.machine import edgetpu_devices
from runtime.model.tflite import Model

KIND = "the Edge TPU, through Coral's pycoral"
RANK = 20


def unfit(model: Model, request: Request) -> str:
    """The reason why pycoral cannot run `model`; see `runtime.inference.engines`."""
    if importlib.util.find_spec("pycoral") is None:
        return "not installed"
    if importlib.util.find_spec("pycoral.utils") is None:
        return _unrelated_package()
    if not is_compiled(model):
        return "needs a file compiled for the Edge TPU, see python -m convert.edgetpu"
    return ""


def load(path: str, request: Request) -> Engine:
    """Loads the file `path` on the Edge TPU that `request` names.

    Raises InputError for a wrong device name, KitError with the reason where the Edge TPU cannot be used.
    """
    device = checked_device(request.device)
    try:
        edgetpu = import_module("pycoral.utils.edgetpu")
    except ImportError as error:
        raise KitError(f"pycoral is installed, but cannot be imported: {error}") from error
    try:
        with silence_native_output():
            native = edgetpu.make_interpreter(path, device=device or None)
            native.allocate_tensors()
    except (ValueError, RuntimeError, OSError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        raise KitError(f"the Edge TPU cannot be used: {edgetpu_devices.diagnose(device) or message}") from error
    warning = edgetpu_devices.usb2_warning()
    return Engine(native, path, "pycoral", f"pycoral {device}".strip(), notes=(warning,) if warning else ())


def _unrelated_package() -> str:
    # Slow to import, and rarely needed.
    from importlib import metadata

    try:
        about = metadata.metadata("pycoral")["Summary"]
    except metadata.PackageNotFoundError:
        about = ""
    known = f' ("{about}")' if about else ""
    return (
        f"the installed package pycoral{known} is another project than Coral's; pip uninstall pycoral; "
        "the kit runs the Edge TPU without it"
    )
