"""How many classes a detector tells apart, as its file says."""

from __future__ import annotations

from typing import Optional

from runtime.model import output_order
from runtime.model.metadata import Metadata
from runtime.model.raw_head import RawHead
from runtime.model.tflite import Model

# FlexBuffers, https://github.com/google/flatbuffers/blob/master/include/flatbuffers/flexbuffers.h: the types of an
# integer, of one without a sign, and of a map. A type byte is type << 2 | log2 of the width.
_INTEGERS = (1, 2)
_MAP = 9


def find(model: Model, metadata: Optional[Metadata]) -> Optional[int]:
    """The number of classes, without background; None where the file does not say."""
    head = RawHead.of(model, metadata)
    if head is not None:
        return head.classes
    for step in model.main.operators:
        if step.custom_name == output_order.POSTPROCESS:
            return _entry(step.custom_options, "num_classes") or None
    if output_order.from_graph(model.main) is None:
        return None
    # As `convert.file.builtin_postprocessing` writes it: the last sorting is that of each anchor's best class.
    makers = {index: step for step in model.main.operators for index in step.outputs}
    sorting = [step for step in model.main.operators if step.name == "TOPK_V2"]
    maker = makers.get(sorting[-1].inputs[0]) if sorting else None
    shape = model.main.tensors[maker.inputs[0]].shape if maker is not None and maker.inputs else ()
    return shape[-1] if shape and shape[-1] > 0 else None


def _entry(data: bytes, name: str) -> Optional[int]:
    """The whole number `name` in a FlexBuffers map; None where `data` is no such map, or has no such number."""
    if len(data) < 3 or data[-2] >> 2 != _MAP:
        return None

    def number(at: int, width: int) -> int:
        return int.from_bytes(data[at : at + width], "little") if at >= 0 else 0

    width, root = 1 << (data[-2] & 3), len(data) - 2 - data[-1]
    start = root - number(root, data[-1])
    length = min(number(start - width, width), len(data))
    key_width = number(start - 2 * width, width)
    keys = start - 3 * width - number(start - 3 * width, width)
    for place in range(length):
        key = keys + place * key_width
        key -= number(key, key_width)
        if key >= 0 and data[key : key + len(name) + 1] == name.encode() + b"\0":
            kind = start + length * width + place
            if kind < len(data) and data[kind] >> 2 in _INTEGERS:
                return number(start + place * width, width)
    return None
