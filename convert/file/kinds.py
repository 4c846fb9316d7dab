"""The kinds of files: what the network's numbers are, what goes in, and what comes out.

A kind is one entry of KINDS. Its name is in the name of the file, and it says by which rules `contract` judges it.
"""

from __future__ import annotations

from dataclasses import dataclass

from convert.file import anatomy
from runtime.model.tflite import Model

# What the name of a kind without post-processing ends with, where a file with it has the name before.
RAW_SUFFIX = "_raw"

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    `about` says what its numbers are. `inputs` are the types that its input may have, `activations` is the type of the
    values between layers. With `raw` it ends before the post-processing. `not_edge_tpu` is why the Edge TPU's compiler
    takes no such file, empty where it does.
    """

    name: str
    about: str
    inputs: tuple[str, ...]
    activations: str
    raw: bool = False
    not_edge_tpu: str = ""

    @property
    def int8(self) -> bool:
        """Whether every operation before the post-processing is int8."""
        return self.activations == "int8"

    @property
    def raw_output(self) -> str:
        """The type of box codes and class logits where the file ends with them."""
        return "int8" if self.int8 else "float32"


_FLOATS = "it computes in float32"

FP16 = Kind("fp16", "float16 weights, computed in float32", ("float32",), "float32", not_edge_tpu=_FLOATS)
INT8 = Kind("int8", "int8 throughout, uint8 input", ("uint8",), "int8")
DYNAMIC_RANGE = Kind(
    "dynamic_range", "int8 weights, computed with float32 activations", ("float32",), "float32", not_edge_tpu=_FLOATS
)
INT16X8 = Kind(
    "int16x8", "int8 weights, int16 activations", ("float32",), "int16", not_edge_tpu="its activations have 16 bits"
)
# Detections in int8 would lose places: a step is more than a pixel of 320.
INT8_IO = Kind("int8_io", "int8 throughout, input and raw outputs included", ("int8", "uint8"), "int8", raw=True)

KINDS = {kind.name: kind for kind in (FP16, INT8, DYNAMIC_RANGE, INT16X8, INT8_IO)}


def named(name: str) -> tuple[Kind, bool]:
    """The kind of this name, and whether such a file ends before the post-processing, as `int8_raw` says.

    Raises KeyError where there is none.
    """
    if name in KINDS:
        return KINDS[name], KINDS[name].raw
    return KINDS[name.removesuffix(RAW_SUFFIX)], True


def of(model: Model, raw: bool) -> Kind:
    """What `model`, which ends before its post-processing where `raw`, is to be held to: by its input and its layers."""
    inputs = {model.main.tensors[index].type for index in model.main.inputs}
    if inputs != {"float32"}:
        return INT8_IO if raw and inputs == {"int8"} else INT8
    weights = kernel_types(model)
    if any(tensor.type == "int16" for step in model.main.operators for tensor in anatomy.changing(model, step)):
        return INT16X8
    return DYNAMIC_RANGE if "int8" in weights else FP16


def kernel_types(model: Model) -> dict[str, int]:
    """The types of the kernels that the file holds, each with the number of convolutions that have it."""
    found: dict[str, int] = {}
    for step in model.main.operators:
        if step.name in _CONVOLUTIONS:
            kind = model.main.tensors[step.inputs[1]].type
            found[kind] = found.get(kind, 0) + 1
    return found
