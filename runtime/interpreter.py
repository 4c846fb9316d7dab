"""The interpreter of .tflite files, whichever of its packages is installed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from typing import Any, List, Tuple, Union

import numpy as np

from runtime.errors import InputError, KitError
from runtime.opencv import quiet

# In order of preference. TensorFlow holds the same interpreter, but takes seconds to import.
PACKAGES = (
    ("ai_edge_litert.interpreter", "ai-edge-litert"),
    ("tflite_runtime.interpreter", "tflite-runtime"),
    ("tensorflow.lite.python.interpreter", "tensorflow"),
)


@dataclass(frozen=True)
class Port:
    """One input or output. `signature` is `shape` with -1 where the size may change.

    `scale` is 0 where the values are not quantised; else real = (value - zero_point) * scale.
    """

    name: str
    index: int
    shape: Tuple[int, ...]
    signature: Tuple[int, ...]
    dtype: np.dtype
    scale: float
    zero_point: int


class Interpreter:
    """A loaded model: `invoke` takes the input tensor and gives the output tensors."""

    def __init__(self, path: Union[str, os.PathLike], threads: int = 2, *, plain: bool = False) -> None:
        """`plain` takes TFLite's own kernels in place of XNNPACK's, which are faster and round otherwise.

        A plain C build of TFLite, as phones and other boards have it, agrees with its own kernels bit
        for bit on int8 files; scores by XNNPACK may lie some hundredths away.
        Raises InputError where the interpreter refuses the file, KitError where there is none.
        """
        module, self.package = find_package()
        options = {}
        if plain:
            options["experimental_op_resolver_type"] = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        try:
            # The interpreter's native half greets on standard error, and complains there too.
            with quiet():
                self._native = module.Interpreter(model_path=str(path), num_threads=threads, **options)
                self._native.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(f"{path}: {self.package} cannot run it: {reason}") from error
        self.inputs = tuple(_port(details) for details in self._native.get_input_details())
        self.outputs = tuple(_port(details) for details in self._native.get_output_details())

    def invoke(self, tensor: np.ndarray) -> List[np.ndarray]:
        """Runs the model on its one input; gives every output as float32, in the model's order.

        Raises KitError where the run fails.
        """
        try:
            self._native.set_tensor(self.inputs[0].index, tensor)
            self._native.invoke()
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise KitError(f"{self.package} failed while it ran the model: {reason}") from error
        return [_real(self._native.get_tensor(port.index), port) for port in self.outputs]

    def bare_invoke(self) -> None:
        """Runs the model again on what its input holds: the least time that a frame can take."""
        self._native.invoke()


def find_package() -> Tuple[Any, str]:
    """The first module of PACKAGES that is installed, and the name that pip knows it by.

    Raises KitError where none is.
    """
    for module, package in PACKAGES:
        try:
            return import_module(module), package
        except ImportError:
            continue
    raise KitError("no interpreter for .tflite files is installed; run: pip install ai-edge-litert")


def _port(details: dict) -> Port:
    scale, zero_point = details["quantization"]
    return Port(
        name=details["name"],
        index=details["index"],
        shape=tuple(int(side) for side in details["shape"]),
        signature=tuple(int(side) for side in details.get("shape_signature", details["shape"])),
        dtype=np.dtype(details["dtype"]),
        scale=float(scale),
        zero_point=int(zero_point),
    )


def _real(values: np.ndarray, port: Port) -> np.ndarray:
    if port.scale and np.issubdtype(port.dtype, np.integer):
        return (values.astype(np.float32) - port.zero_point) * np.float32(port.scale)
    return values.astype(np.float32, copy=False)
