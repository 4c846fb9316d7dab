"""A GPU or NPU, through the TFLite delegate library of its manufacturer.

`--device` is the path of the library and its options: `/usr/lib/libvx_delegate.so,cache_file_path=/tmp/cache`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

from runtime.common.errors import InputError, KitError
from runtime.inference.engines import Engine, Request, is_compiled
from runtime.machine.delegates import interpreter_with_delegate, load_delegate
from runtime.machine.interpreter_packages import find_package
from runtime.model.tflite import Model

KIND = "a GPU or NPU, through its maker's delegate library"
RANK = 30

# The libraries that `auto` looks for, by file name.
LIBRARIES = {
    "libvx_delegate.so": "NPU of i.MX 8M Plus, or another of VeriSilicon's",
    "libethosu_delegate.so": "Ethos-U of i.MX 93",
    "libQnnTFLiteDelegate.so": "Qualcomm's DSP or GPU",
    "libarmnnDelegate.so": "Arm NN",
    "libtensorflowlite_gpu_delegate.so": "GPU",
}
FOLDERS = ("/usr/lib", "/usr/local/lib", "/usr/lib/aarch64-linux-gnu", "/usr/lib/x86_64-linux-gnu")


def unfit(model: Model, request: Request) -> str:
    """The reason why no delegate library can run `model`; see `runtime.inference.engines`."""
    if is_compiled(model):
        return "cannot run a file compiled for the Edge TPU"
    if not request.device and not installed():
        return "no library of a GPU or NPU found, --device PATH names one"
    return ""


def load(path: str, request: Request) -> Engine:
    """Loads the file `path` with the delegate library that `request` names, or the first one found.

    Raises InputError for wrong options of the library, KitError where it cannot be loaded or cannot run the file.
    """
    library, options = _split_device(request.device) if request.device else (str(installed()[0]), {})
    module, package = find_package()
    try:
        delegate = load_delegate(module, library, options)
    except OSError as error:
        raise KitError(f"{library}: cannot be loaded: {error}") from error
    except ValueError as error:
        message = " ".join(str(error).splitlines()[1:]).strip() or "it gives no reason"
        raise KitError(f"{library}: makes no delegate: {message}") from error
    native = interpreter_with_delegate(module, path, delegate, request.threads, f"{library} through {package}")
    about = LIBRARIES.get(Path(library).name)
    return Engine(native, path, package, f"{library}, {package}" + (f" ({about})" if about else ""))


def installed() -> List[Path]:
    """The libraries of LIBRARIES that are installed."""
    paths = [Path(folder) / name for name in LIBRARIES for folder in FOLDERS]
    return [path for path in paths if path.exists()]


def _split_device(text: str) -> Tuple[str, Dict[str, str]]:
    library, *pairs = text.split(",")
    options = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise InputError(f"--device {text}: after the library come options as key=value, not {pair!r}")
        options[key] = value
    return library, options
