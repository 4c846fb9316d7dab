"""Delegates: libraries that take over part of a model inside TFLite's interpreter."""

from __future__ import annotations

import ctypes
from typing import Any, Mapping

from runtime.common.errors import KitError
from runtime.common.native_output import quiet


def load_library(module: Any, library: str, options: Mapping[str, str]) -> Any:
    """The delegate in `library`. `module` is that of the interpreter (`packages.find_package`).

    Raises OSError where the library cannot be loaded, ValueError with its reason (maybe none) where
    it makes no delegate, KitError where it is no such library.
    """
    load = getattr(module, "load_delegate", None)
    if load is None:
        # TensorFlow keeps it elsewhere.
        load = module.Delegate
    # Where the library is not as it should be, the interpreter's own class leaves a half-made object
    # behind that complains when it goes. So it is looked at here first.
    loaded = ctypes.CDLL(library)
    if not hasattr(loaded, "tflite_plugin_create_delegate"):
        raise KitError(f"{library}: is no delegate for TFLite: it lacks tflite_plugin_create_delegate")
    with quiet():
        return load(library, dict(options))


def with_delegate(module: Any, path: str, delegate: Any, threads: int, what: str) -> Any:
    """An interpreter for `path` with `delegate` in it, tensors allocated. `what` names both in errors.

    Raises KitError where the two do not get on.
    """
    try:
        with quiet():
            native = module.Interpreter(model_path=path, num_threads=threads, experimental_delegates=[delegate])
            native.allocate_tensors()
            return native
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise KitError(f"{path}: {what} cannot run it: {reason}") from error
