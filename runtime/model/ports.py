"""Inputs and outputs of a model as an interpreter lists them, and what their stored values mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np

from runtime.model.tflite import Model, Tensor


@dataclass(frozen=True)
class Port:
    """One input or output of a model.

    `index` is the tensor's index in the interpreter. `signature` is `shape` with -1 for dimensions that may change.
    `scale` is 0 where the values are not quantized; otherwise real = (value - zero_point) * scale.
    """

    name: str
    index: int
    shape: Tuple[int, ...]
    signature: Tuple[int, ...]
    dtype: np.dtype
    scale: float
    zero_point: int

    @property
    def is_quantized(self) -> bool:
        """Whether its values are integers that stand for real numbers."""
        return bool(self.scale) and bool(np.issubdtype(self.dtype, np.integer))


def of_tensors(model: Model, indices: Sequence[int]) -> Tuple[Port, ...]:
    """The tensors `indices` of the main graph as an interpreter would list them, without one."""
    return tuple(_port(model.main.tensors[index], index) for index in indices)


def real(stored: Sequence[np.ndarray], ports: Sequence[Port]) -> List[np.ndarray]:
    """Outputs as float32: quantized values are dequantized, others converted.

    `stored` are outputs of `invoke`, `ports` the outputs of the model in the same order.
    """
    return [real_values(values, port) for values, port in zip(stored, ports)]


def real_values(stored: np.ndarray, port: Port) -> np.ndarray:
    """Stored values of `port`, of any shape, as float32."""
    if port.is_quantized:
        return (stored.astype(np.float32) - port.zero_point) * np.float32(port.scale)
    return stored.astype(np.float32, copy=False)


def _port(tensor: Tensor, index: int) -> Port:
    single = tensor.quantization.scales.size == 1
    return Port(
        name=tensor.name,
        index=index,
        shape=tensor.shape,
        signature=tensor.signature or tensor.shape,
        dtype=_dtype(tensor.type),
        scale=float(tensor.quantization.scales[0]) if single else 0.0,
        zero_point=int(tensor.quantization.zero_points[0]) if single else 0,
    )


def _dtype(name: str) -> np.dtype:
    try:
        return np.dtype(name)
    except TypeError:
        # NumPy has no such numbers, as for `bfloat16`, and no model here has them as input or output.
        return np.dtype(object)
