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
    def quantizes_input(self) -> bool:
        """Whether it makes an input of the model, in a type that the TPU lacks, quantized int8 or uint8.

        The compiler leaves it on the CPU, and maps what follows: 70 operations of a MobileNetV2 with float32 input
        and output are on the TPU and 2 on the CPU (https://github.com/f0cal/google-coral/issues/20).
        """
        return (
            self.operator.name == "QUANTIZE"
            and self._input_index(0) in self.model.main.inputs
            and not _is_quantized(self.input(0))
            and _is_quantized(self.output())
        )

    @property
    def dequantizes_output(self) -> bool:
        """Whether it makes an output of the model in a type that the TPU lacks of a tensor that is quantized."""
        return (
            self.operator.name in ("DEQUANTIZE", "QUANTIZE")
            and self.operator.outputs[0] in self.model.main.outputs
            and _is_quantized(self.input(0))
            and not _is_quantized(self.output())
        )

    @property
    def constant_types(self) -> frozenset[str]:
        """The types of its constant inputs; for weights that are unpacked from float16, that one."""
        graph = self.model.main
        unpacked = {step.outputs[0]: step.inputs[0] for step in graph.operators if step.name == "DEQUANTIZE"}
        sources = [unpacked.get(index, index) for index in self.operator.inputs if index >= 0]
        return frozenset(graph.tensors[index].type for index in sources if anatomy.is_constant(self.model, index))

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


def _is_quantized(tensor: Tensor) -> bool:
    return tensor.type in ("int8", "uint8") and bool(tensor.quantization)
