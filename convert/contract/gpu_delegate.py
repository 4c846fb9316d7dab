"""Which operations of a file LiteRT's GPU accelerator leaves to the CPU.

Its rules are those of `GetOpsToReplace` and `NewOperationParser` in tflite/delegates/gpu/common/model_builder.cc of
https://github.com/google-ai-edge/LiteRT at v2.2.0, as far as they go by the operation and the types of its tensors. The
accelerator of `CompiledModel` is published as a library only; these are the nearest rules that can be read. An accelerator may
leave more, such as operations between two that it leaves.
"""

from __future__ import annotations

from collections import Counter

from convert.contract.consumers import Verdict
from convert.file import anatomy
from runtime.model.tflite import Model, Operator

NAME = "LiteRT GPU (CompiledModel)"

OPERATIONS = frozenset(
    ["ABS", "ADD", "ADD_N", "AVERAGE_POOL_2D", "BATCH_MATMUL", "CAST", "CONCATENATION", "CONV_2D", "COS", "CUMSUM", "DENSIFY", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE", "DEQUANTIZE", "DIV", "EQUAL", "ELU", "EXP", "FLOOR", "FLOOR_DIV", "FLOOR_MOD", "FULLY_CONNECTED", "GATHER", "GELU", "GREATER", "GREATER_EQUAL", "HARD_SWISH", "LESS", "LESS_EQUAL", "LOGISTIC", "LOG", "LOGICAL_AND", "LSTM", "MAXIMUM", "MAX_POOL_2D", "MEAN", "MINIMUM", "MIRROR_PAD", "MUL", "NEG", "NOT_EQUAL", "ONE_HOT", "PACK", "PAD", "PADV2", "POW", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "QUANTIZE", "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "LEAKY_RELU", "PRELU", "RESHAPE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "RSQRT", "SELECT", "SELECT_V2", "SIGN", "SIN", "SLICE", "SOFTMAX", "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V", "SQRT", "SQUARE", "SQUARED_DIFFERENCE", "STRIDED_SLICE", "SUB", "SUM", "TANH", "TILE", "TRANSPOSE", "TRANSPOSE_CONV", "UNPACK"]
)

_VALUES = frozenset({"float32", "float16", "int8", "uint8"})
_COMPARISONS = frozenset({"EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL", "LOGICAL_AND"})
# What else an operation may take and give.
_MORE_INPUTS = {
    "CAST": {"bool", "int32"}, "ONE_HOT": {"int32"}, "SELECT": {"bool"}, "SELECT_V2": {"bool"}, "LOGICAL_AND": {"bool"},
    "GATHER": {"int32"},
}  # fmt: skip
_MORE_OUTPUTS = {"CAST": {"bool", "int32"}, **{name: {"bool"} for name in _COMPARISONS}}


def left_on_cpu(model: Model) -> tuple[Operator, ...]:
    """The operations of the main graph that the accelerator does not take, in their order."""
    return tuple(operator for operator in model.main.operators if not _is_taken(model, operator))


def verdict(model: Model) -> Verdict:
    """Whether `CompiledModel` runs `model` on a GPU; the note says which operations stay on the CPU."""
    custom = sorted({operator.custom_name for operator in model.main.operators if operator.custom_name})
    if custom:
        why = f"it fails on the custom operation {custom[0]} (LiteRT issue 7936)"
        return Verdict(NAME, False, why, "give it the raw-head twin, or export again: post-processing is built-in operations by default")
    left = left_on_cpu(model)
    total = len(model.main.operators)
    if not left:
        return Verdict(NAME, True, note=f"all {total} operations run on the GPU")
    if len(left) == total:
        return Verdict(NAME, False, "it takes none of the operations", "run it on the CPU")
    counts = Counter(anatomy.operation_name(operator) for operator in left)
    named = ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return Verdict(NAME, True, note=f"at least {len(left)} of {total} operations stay on the CPU: {named}")


def _is_taken(model: Model, operator: Operator) -> bool:
    if operator.name not in OPERATIONS:
        return False
    tensors = model.main.tensors
    # Constants are read when the graph is built, and may have any type.
    inputs = {tensors[at].type for at in operator.inputs if at >= 0 and not model.buffers[tensors[at].buffer]}
    outputs = {tensors[at].type for at in operator.outputs}
    return inputs <= _VALUES | _MORE_INPUTS.get(operator.name, set()) and outputs <= _VALUES | _MORE_OUTPUTS.get(operator.name, set())
