"""A loaded model that maps input tensors to output tensors, with any engine."""

from __future__ import annotations

import os
import threading
import time
from typing import Any, List, Mapping, Protocol, Tuple, Union

import numpy as np

from runtime.common.errors import KitError
from runtime.inference.engines import Engine, Request, open_engine
from runtime.model.ports import Port


class Runner(Protocol):
    """The interface of what runs a detector's model.

    `Interpreter` runs it in this process, `EngineProcess` in a process of its own. `path` is the file that is run;
    `engine` is the name of the engine; `package`, `what` and `notes` are those of `Engine`.
    """

    path: str
    engine: str
    package: str
    what: str
    notes: Tuple[str, ...]
    inputs: Tuple[Port, ...]
    outputs: Tuple[Port, ...]

    def invoke(self, tensor: np.ndarray) -> List[np.ndarray]:
        """Runs the model on its one input and returns all outputs in the order of the model.

        Quantized outputs stay quantized; `real` dequantizes them.
        """

    def bare_invoke(self, count: int = 1) -> List[float]:
        """Runs the model `count` times on its present input and returns the milliseconds of each run.

        Neither input nor outputs are copied, so this is the least time that a frame can take.
        """


class Interpreter:
    """A model that runs in this process. Threads that run it at the same time take turns."""

    def __init__(self, path: Union[str, os.PathLike[str]], request: Request = Request()) -> None:
        """Loads the file `path` with the engine that `request` asks for.

        Raises InputError where the file is refused, KitError where the engine cannot work.
        """
        engine: Engine = open_engine(path, request)
        self._native: Any = engine.native
        self._running = threading.Lock()
        self.path = engine.path
        self.engine = engine.name
        self.package = engine.package
        self.what = engine.what
        self.notes = engine.notes
        self.inputs = tuple(_port(details) for details in self._native.get_input_details())
        self.outputs = tuple(_port(details) for details in self._native.get_output_details())

    def invoke(self, tensor: np.ndarray) -> List[np.ndarray]:
        """As `Runner.invoke`. Raises KitError where the run fails."""
        # Another thread's input must not come between this one's input and its outputs.
        with self._running:
            try:
                self._native.set_tensor(self.inputs[0].index, tensor)
                self._native.invoke()
            except (ValueError, RuntimeError) as error:
                reason = " ".join(str(error).split())
                raise KitError(f"{self.what}: failed while it ran the model: {reason}") from error
            return [self._native.get_tensor(port.index) for port in self.outputs]

    def bare_invoke(self, count: int = 1) -> List[float]:
        """As `Runner.bare_invoke`."""
        taken: List[float] = []
        with self._running:
            for _ in range(count):
                start = time.perf_counter()
                self._native.invoke()
                taken.append(1000 * (time.perf_counter() - start))
        return taken


def _port(details: Mapping[str, Any]) -> Port:
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
