"""A loaded model: tensors in, tensors out, whichever engine runs it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any, List, Protocol, Sequence, Tuple, Union

import numpy as np

from runtime.common.errors import KitError
from runtime.inference.engines import Engine, Request, open_engine


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


class Model(Protocol):
    """What a detector needs of whatever runs its model: `Interpreter`, in this process, or
    `EngineProcess`, in one of its own.

    `path` is the file that is run; `engine`, `package` and `what` are those of `Engine`.
    """

    path: str
    engine: str
    package: str
    what: str
    notes: Tuple[str, ...]
    inputs: Tuple[Port, ...]
    outputs: Tuple[Port, ...]

    def invoke(self, tensor: np.ndarray) -> List[np.ndarray]:
        """Runs the model on its one input; gives every output as it is stored, quantised or not, in the
        model's order. `real` makes numbers of them.
        """

    def bare_invoke(self, count: int = 1) -> List[float]:
        """Runs the model again on what its input holds, and reads nothing: the least time that a
        frame can take. The milliseconds of each of `count` runs.
        """


class Interpreter:
    """A model in this process."""

    def __init__(self, path: Union[str, os.PathLike], request: Request = Request()) -> None:
        """Raises InputError where the file is refused, KitError where the engine cannot work."""
        engine: Engine = open_engine(path, request)
        self._native: Any = engine.native
        self.path = engine.path
        self.engine = engine.name
        self.package = engine.package
        self.what = engine.what
        self.notes = engine.notes
        self.inputs = tuple(_port(details) for details in self._native.get_input_details())
        self.outputs = tuple(_port(details) for details in self._native.get_output_details())

    def invoke(self, tensor: np.ndarray) -> List[np.ndarray]:
        """As `Model.invoke`. Raises KitError where the run fails."""
        try:
            self._native.set_tensor(self.inputs[0].index, tensor)
            self._native.invoke()
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise KitError(f"{self.what}: failed while it ran the model: {reason}") from error
        return [self._native.get_tensor(port.index) for port in self.outputs]

    def bare_invoke(self, count: int = 1) -> List[float]:
        """As `Model.bare_invoke`."""
        taken = []
        for _ in range(count):
            start = time.perf_counter()
            self._native.invoke()
            taken.append(1000 * (time.perf_counter() - start))
        return taken


def real(stored: Sequence[np.ndarray], ports: Sequence[Port]) -> List[np.ndarray]:
    """Stored values as the float32 that they stand for."""
    return [_real(values, port) for values, port in zip(stored, ports)]


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
