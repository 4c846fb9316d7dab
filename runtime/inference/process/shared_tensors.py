"""Shared memory for the tensors that go to an engine in another process and come back from it.

The memory is a file without a name where the system allows that, so that nothing is left behind however the two
processes end.
"""

from __future__ import annotations

import mmap
import os
from typing import List, Sequence, Tuple

import numpy as np

from runtime.model.ports import Port

# Inputs in flight: one that runs, one that lies ready when that run ends, and two that are written meanwhile, one after the
# other: a thread that does two at once takes less time for both, since its code and data are then in the caches.
SLOTS = 4

# Bytes reserved for an output whose size is known only after a run.
UNKNOWN_BYTES = 1 << 20

_ALIGNMENT = 64

Shape = Tuple[int, ...]


class SharedTensors:
    """SLOTS slots, each for one input and its outputs, at fixed offsets of one file."""

    def __init__(self, descriptor: int, inputs: Sequence[Port], outputs: Sequence[Port]) -> None:
        """Maps the file `descriptor`, which is open for reading and writing, and enlarges it where needed."""
        self._input = inputs[0]
        self._outputs = tuple(outputs)
        sizes = [_bytes(self._input), *(_bytes(port) for port in outputs)]
        self._sizes = sizes
        self._offsets: List[List[int]] = []
        end = 0
        for _ in range(SLOTS):
            offsets = []
            for size in sizes:
                offsets.append(end)
                end += -(-size // _ALIGNMENT) * _ALIGNMENT
            self._offsets.append(offsets)
        if os.fstat(descriptor).st_size < end:
            os.truncate(descriptor, end)
        self._map = mmap.mmap(descriptor, end)

    def put_input(self, slot: int, tensor: np.ndarray) -> None:
        """Copies `tensor` into the input of `slot`."""
        self._view(slot, 0, self._input.shape, self._input.dtype)[...] = tensor

    def input(self, slot: int) -> np.ndarray:
        """A view of the input of `slot`, valid until the next `put_input` of that slot."""
        return self._view(slot, 0, self._input.shape, self._input.dtype)

    def put_outputs(self, slot: int, arrays: Sequence[np.ndarray]) -> List[Shape]:
        """Copies `arrays` into the outputs of `slot` and returns their shapes, which `outputs` needs.

        Raises ValueError where an array is larger than the bytes reserved for it.
        """
        for place, array in enumerate(arrays, 1):
            if array.nbytes > self._sizes[place]:
                raise ValueError(f"an output of {array.nbytes} bytes has room for {self._sizes[place]}")
            self._view(slot, place, array.shape, array.dtype)[...] = array
        return [tuple(array.shape) for array in arrays]

    def outputs(self, slot: int, shapes: Sequence[Shape]) -> List[np.ndarray]:
        """Copies of the outputs of `slot`, as the model stores them."""
        return [
            self._view(slot, place, shape, port.dtype).copy()
            for place, (port, shape) in enumerate(zip(self._outputs, shapes), 1)
        ]

    def close(self) -> None:
        """Unmaps the file."""
        self._map.close()

    def _view(self, slot: int, place: int, shape: Shape, dtype: np.dtype) -> np.ndarray:
        return np.ndarray(shape, dtype, self._map, self._offsets[slot][place])


def _bytes(port: Port) -> int:
    if not port.shape or min(port.shape) < 1 or any(side < 0 for side in port.signature):
        return UNKNOWN_BYTES
    return int(np.prod(port.shape)) * port.dtype.itemsize
