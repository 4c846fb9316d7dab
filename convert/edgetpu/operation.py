"""An operation of a file as the rules of the Edge TPU see it, and why it cannot be mapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from convert.file import anatomy
from runtime.common.errors import InputError
from runtime.model.tflite import Model, Operator, Tensor

UNSUPPORTED = "Operation not supported"
WRONG_TYPE = "Operation is working on an unsupported data type"
ONE_SUBGRAPH = "More than one subgraph is not supported"
LIMITED = "Operation is otherwise supported, but not mapped due to some unspecified limitation"
WRONG_RANK = "Tensor has unsupported rank (up to 3 innermost dimensions mapped)"
WRONG_VERSION = "Operation version not supported"


@dataclass(frozen=True)
class Fault:
    """Why an operation cannot be mapped: the compiler's status, the reason, and what to change."""

    status: str
    reason: str
    fix: str


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of `model` with its options, as the rules need it."""

    model: Model
    operator: Operator
    options: Any

    def input(self, number: int) -> Tensor:
        """Input tensor `number`. Raises InputError where the operation has none, which the schema forbids."""
        index = self._input_index(number)
        if index is None:
            raise InputError(f"{self.model.where}: damaged: a {self.operator.name} has no input {number}")
        return self.model.main.tensors[index]

    def output(self) -> Tensor:
        """The first output."""
        return self.model.main.tensors[self.operator.outputs[0]]

    def constant(self, number: int) -> Optional[np.ndarray]:
        """The values of input `number`, None where it is left out, not constant, or not of an integer type."""
        index = self._input_index(number)
        if index is None or not anatomy.is_constant(self.model, index):
            return None
        tensor = self.model.main.tensors[index]
        kinds = {"int32": "<i4", "int64": "<i8", "int8": "i1", "uint8": "u1"}
        if tensor.type not in kinds:
            return None
        values = np.frombuffer(self.model.buffers[tensor.buffer], kinds[tensor.type])
        return values.reshape(tensor.shape) if values.size == np.prod(tensor.shape) else None

    def is_constant(self, number: int) -> bool:
        """Whether the file holds the values of input `number`."""
        index = self._input_index(number)
        return index is not None and anatomy.is_constant(self.model, index)

    @property
    def rank(self) -> int:
        """The number of dimensions of the first input."""
        return len(self.input(0).shape)

    def option(self, name: str, default: Any = 0) -> Any:
        """The option `name`, or `default` where the operation has none."""
        return getattr(self.options, name, default)

    def _input_index(self, number: int) -> Optional[int]:
        inputs = self.operator.inputs
        return inputs[number] if number < len(inputs) and inputs[number] >= 0 else None
