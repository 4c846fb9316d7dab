"""Networks of other frameworks as ONNX and ncnn store them for inference: convolutions with batch norms folded in.

Such a file has no names that tell what a convolution is for. Two graphs of one network are matched by their structure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from runtime.common.errors import InputError


@dataclass(frozen=True, eq=False)
class Operation:
    """An operation with the names of its input and output tensors; constants are no inputs.

    `convolution` is kernel [kh, kw, in, out], of a depthwise one [kh, kw, channels, 1], and bias [out], if it is one.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    convolution: tuple[np.ndarray, np.ndarray] | None = None
    stride: int = 1

    @property
    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        """Kernel and bias of what must be a convolution."""
        assert self.convolution is not None
        return self.convolution


def by_structure(operations: Sequence[Operation]) -> dict[str, Operation]:
    """The convolutions among `operations`, which are in the order of execution, each with a text of its structure.

    The text says the kernel's shape, the stride, and the texts of the convolutions that feed it, with other operations
    between or not. Raises InputError where two convolutions have the same.
    """
    feeding: dict[str, frozenset[str]] = {}
    found: dict[str, Operation] = {}
    for operation in operations:
        before = frozenset[str]().union(*(feeding.get(name, frozenset()) for name in operation.inputs))
        if operation.convolution is not None:
            shape = "x".join(map(str, operation.weights[0].shape))
            text = f"{shape} stride {operation.stride}{_after(before)}"
            if text in found:
                raise InputError(f"two convolutions with the same place in the network ({shape}): which is which is open")
            found[text] = operation
            before = frozenset([text])
        feeding.update(dict.fromkeys(operation.outputs, before))
    return found


def ends(operations: Sequence[Operation]) -> list[Operation]:
    """The convolutions among `operations` that feed no other convolution."""
    feeding: dict[str, frozenset[int]] = {}
    last: dict[int, Operation] = {}
    for number, operation in enumerate(operations):
        before = frozenset[int]().union(*(feeding.get(name, frozenset()) for name in operation.inputs))
        if operation.convolution is not None:
            for other in before:
                last.pop(other, None)
            last[number] = operation
            before = frozenset([number])
        feeding.update(dict.fromkeys(operation.outputs, before))
    return list(last.values())


def fed_by(found: Mapping[str, Operation], text: str) -> list[str]:
    """The texts in `found` of the convolutions that only the convolution with `text` feeds."""
    return [other for other in found if other.endswith(_after(frozenset([text])))]


def _after(texts: frozenset[str]) -> str:
    return " after " + hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()[:16]
