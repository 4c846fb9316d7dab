"""The CPU with `CompiledModel`, the interface of LiteRT 2, which can keep packed weights for the next start."""

from __future__ import annotations

import atexit
import hashlib
import os
import tempfile
from functools import cache
from importlib import import_module, util
from pathlib import Path
from typing import Any, Dict, List, Optional, Union

import numpy as np

from runtime.common.errors import InputError
from runtime.common.native_output import silence_native_output
from runtime.inference.engines import Engine, Request, is_compiled
from runtime.model.tflite import Model

KIND = "the CPU with LiteRT's CompiledModel"
# After the interpreter, which is as fast and needs less memory.
RANK = 105

PACKAGE = "ai-edge-litert"


def unfit(model: Model, request: Request) -> str:
    """The reason why `CompiledModel` cannot run `model`; see `runtime.inference.engines`."""
    try:
        found = util.find_spec("ai_edge_litert.compiled_model")
    except ImportError:
        found = None
    if found is None:
        return f"not installed, run: pip install '{PACKAGE}>=2'"
    if is_compiled(model):
        return "the file is compiled for the Edge TPU; use the int8 file that it was made of"
    shapes = [model.main.tensors[index] for index in (*model.main.inputs, *model.main.outputs)]
    open_ended = next((tensor for tensor in shapes if not tensor.shape or min(tensor.signature or tensor.shape) < 1), None)
    return f"{open_ended} has no fixed size, run it with --engine cpu" if open_ended else ""


def load(path: str, request: Request) -> Engine:
    """Loads the file `path`. Raises InputError where LiteRT refuses it, or where `request` names a device."""
    if request.device:
        raise InputError(f"--device {request.device}: the CPU has no devices to choose from")
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        native = CompiledInterpreter(content, path, request.threads)
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path}: {PACKAGE} cannot compile it: {' '.join(str(error).split())}") from error
    threads = "1 thread" if request.threads == 1 else f"{request.threads} threads"
    return Engine(native, path, PACKAGE, f"{PACKAGE}'s CompiledModel on {threads}")


def weights_folder() -> Path:
    """Where packed weights are kept: `$XDG_CACHE_HOME/edge-detection-kit/xnnpack`, by default below `~/.cache`."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(home) / "edge-detection-kit" / "xnnpack"


class CompiledInterpreter:
    """A `CompiledModel` with those methods of TFLite's Python `Interpreter` that the kit calls.

    Raises InputError where `content`, the bytes of the file `path`, is damaged: LiteRT may end the process over such a
    file.
    """

    def __init__(self, content: bytes, path: str, threads: int) -> None:
        # Not by its path: LiteRT checks what it is given as bytes, and a file might change while it is mapped.
        self._model = Model.parse(content, path)
        main = self._model.main
        with silence_native_output():
            self._compiled = _compile(content, threads)
            self._inputs = self._compiled.create_input_buffers(0)
            self._outputs = self._compiled.create_output_buffers(0)
            # LiteRT's messages about loading wait in a buffer of its own, which the first run writes out.
            self.invoke()
        # LiteRT orders buffers as the graph does, whatever the order in the signature is.
        self._input_at = {tensor: at for at, tensor in enumerate(main.inputs)}
        self._output_at = {tensor: at for at, tensor in enumerate(main.outputs)}

    def get_input_details(self) -> List[Dict[str, Any]]:
        """As `Interpreter.get_input_details`, with the keys that the kit reads."""
        return [self._details(index) for index in self._model.main.inputs]

    def get_output_details(self) -> List[Dict[str, Any]]:
        """As `Interpreter.get_output_details`, with the keys that the kit reads."""
        return [self._details(index) for index in self._model.main.outputs]

    def set_tensor(self, index: int, value: np.ndarray) -> None:
        """Copies `value` to the input with the tensor index `index`. Raises ValueError where shape or type differ."""
        details = self._details(index)
        if value.shape != tuple(details["shape"]) or value.dtype != details["dtype"]:
            wanted = f"{details['name']} is {list(details['shape'])} {np.dtype(details['dtype'])}"
            raise ValueError(f"{wanted}, and not {list(value.shape)} {value.dtype}")
        self._inputs[self._input_at[index]].write(value)

    def invoke(self) -> None:
        """Runs the model. Raises RuntimeError where LiteRT fails."""
        self._compiled.run_by_index(0, self._inputs, self._outputs)

    def get_tensor(self, index: int) -> np.ndarray:
        """A copy of the output with the tensor index `index`."""
        details = self._details(index)
        shape = details["shape"]
        values: np.ndarray = self._outputs[self._output_at[index]].read(int(np.prod(shape)), details["dtype"])
        return values.reshape(shape)

    def _details(self, index: int) -> Dict[str, Any]:
        tensor = self._model.main.tensors[index]
        per_tensor = len(tensor.quantization.scales) == 1
        return {
            "name": tensor.name,
            "index": index,
            "shape": tensor.shape,
            "shape_signature": tensor.signature or tensor.shape,
            "dtype": np.dtype(tensor.type).type,
            "quantization": (
                (float(tensor.quantization.scales[0]), int(tensor.quantization.zero_points[0])) if per_tensor else (0.0, 0)
            ),
        }


def _compile(content: bytes, threads: int) -> Any:
    """The compiled model, with weights from the cache, or with the cache written where they are not in it yet."""
    kept = _kept_weights(content, threads)
    if kept is None or kept.exists():
        return _create(content, threads, kept or "")
    # Renamed when it is whole, so that another process doesn't read half of it.
    handle, part = tempfile.mkstemp(prefix=f"{kept.name}-", dir=kept.parent)
    os.close(handle)
    os.unlink(part)
    try:
        compiled = _create(content, threads, part)
        if os.path.exists(part):
            os.replace(part, kept)
        return compiled
    finally:
        if os.path.exists(part):
            os.unlink(part)


def _kept_weights(content: bytes, threads: int) -> Optional[Path]:
    """The file for the packed weights of `content`; None where nothing can be written there."""
    digest = hashlib.sha256(content).hexdigest()[:24]
    folder = weights_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    from importlib import metadata  # Slow to import, and every run looks at this module.

    return folder / f"{digest}-{metadata.version(PACKAGE)}-{threads}.weights"


def _create(content: bytes, threads: int, weights: Union[str, Path]) -> Any:
    module = import_module("ai_edge_litert.compiled_model")
    cpu = module.CpuOptions(num_threads=threads, xnnpack_weight_cache_path=str(weights))
    options = module.Options(hardware_accelerators=module.HardwareAccelerator.CPU, cpu_options=cpu)
    return module.CompiledModel.from_buffer(content, options=options, environment=_environment())


@cache
def _environment() -> Any:
    """LiteRT's environment, one for the process."""
    module = import_module("ai_edge_litert.environment")
    # The folder with LiteRT's libraries, which the package gives by default too.
    environment = module.Environment.create(runtime_path=str(Path(str(module.__file__)).parent))
    # LiteRT says what it destroys when the process ends, after everything that could silence it for a moment.
    atexit.register(_silence_the_end)
    return environment


def _silence_the_end() -> None:
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    os.close(sink)
