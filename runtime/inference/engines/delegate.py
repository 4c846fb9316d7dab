"""A GPU or NPU, through the delegate library that its maker gives for TFLite's interpreter.

`--device` names the library and its options: `/usr/lib/libvx_delegate.so,cache_file_path=/tmp/cache`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

from runtime.common.errors import InputError, KitError
from runtime.inference.engines import Engine, Request, is_compiled
from runtime.machine.delegates import load_library, with_delegate
from runtime.machine.interpreter_packages import find_package
from runtime.model.tflite import Model

KIND = "a GPU or NPU, through its maker's delegate library"
RANK = 30

# What `auto` looks for, by the names that the makers give them.
LIBRARIES = {
    "libvx_delegate.so": "NPU of i.MX 8M Plus, or another of VeriSilicon's",
    "libethosu_delegate.so": "Ethos-U of i.MX 93",
    "libQnnTFLiteDelegate.so": "Qualcomm's DSP or GPU",
    "libarmnnDelegate.so": "Arm NN",
    "libtensorflowlite_gpu_delegate.so": "GPU",
}
FOLDERS = ("/usr/lib", "/usr/local/lib", "/usr/lib/aarch64-linux-gnu", "/usr/lib/x86_64-linux-gnu")


def unfit(model: Model, request: Request) -> str:
    if is_compiled(model):
        return "cannot run a file compiled for the Edge TPU"
    if not request.device and not found():
        return "no library of a GPU or NPU found, --device PATH names one"
    return ""


def load(path: str, request: Request) -> Engine:
    library, options = _device(request.device) if request.device else (str(found()[0]), {})
    module, package = find_package()
    try:
        delegate = load_library(module, library, options)
    except OSError as error:
        raise KitError(f"{library}: cannot be loaded: {error}") from error
    except ValueError as error:
        said = " ".join(str(error).splitlines()[1:]).strip() or "it gives no reason"
        raise KitError(f"{library}: makes no delegate: {said}") from error
    native = with_delegate(module, path, delegate, request.threads, f"{library} through {package}")
    about = LIBRARIES.get(Path(library).name)
    return Engine(native, path, package, f"{library}, {package}" + (f" ({about})" if about else ""))


def found() -> List[Path]:
    """The known libraries that are installed."""
    places = [Path(folder) / name for name in LIBRARIES for folder in FOLDERS]
    return [place for place in places if place.exists()]


def _device(text: str) -> Tuple[str, Dict[str, str]]:
    library, *pairs = text.split(",")
    options = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise InputError(f"--device {text}: after the library come options as key=value, not {pair!r}")
        options[key] = value
    return library, options
