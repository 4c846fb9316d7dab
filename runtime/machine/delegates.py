"""Loads TFLite delegates: libraries that run part of a model inside the interpreter."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any, Mapping

from runtime.common.errors import KitError
from runtime.common.native_output import silence_native_output


def load_delegate(module: Any, library: str, options: Mapping[str, str]) -> Any:
    """Loads the delegate in `library` with its `options`.

    `module` is the interpreter's module (`interpreter_packages.find_package`). Raises OSError where the library cannot
    be loaded, KitError where it is no delegate library, and ValueError where it creates no delegate; the message of
    the latter has the library's reason, which may be empty.
    """
    load = getattr(module, "load_delegate", None)
    if load is None:
        # The module of TensorFlow has only the class.
        load = module.Delegate
    # For a library without this function, the interpreter's class leaves a half-made object behind, whose destructor
    # prints an error. So the library is checked first.
    loaded = ctypes.CDLL(library)
    if not hasattr(loaded, "tflite_plugin_create_delegate"):
        raise KitError(f"{library}: is no delegate for TFLite: it lacks tflite_plugin_create_delegate")
    with silence_native_output():
        return load(library, dict(options))


def interpreter_with_delegate(module: Any, path: str, delegate: Any, threads: int, what: str) -> Any:
    """An interpreter of `module` for the file `path`, with `delegate` and its tensors allocated.

    `what` names the delegate and the interpreter in errors. Raises KitError where they cannot run the file.
    """
    try:
        # Not by its path; see `runtime.inference.engines.cpu`.
        content = Path(path).read_bytes()
    except OSError as error:
        raise KitError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        with silence_native_output():
            native = module.Interpreter(model_content=content, num_threads=threads, experimental_delegates=[delegate])
            native.allocate_tensors()
            return native
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise KitError(f"{path}: {what} cannot run it: {reason}") from error
