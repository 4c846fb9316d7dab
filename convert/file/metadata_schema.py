"""The tables of the TFLite Metadata schema that a detector needs, and how they are written.

Field numbers, enumeration values and versions are those of the published metadata schema, version
1.5.0. A table is a frozen dataclass; each field names its number and kind; `encode` does the rest.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Optional, Sequence, Union

import flatbuffers

IDENTIFIER = b"M001"

# AssociatedFileType
TENSOR_AXIS_LABELS = 2
TENSOR_VALUE_LABELS = 3
# ColorSpaceType
RGB = 1
# BoundingBoxType and CoordinateType
BOUNDARIES = 1
RATIO = 0


def _slot(number: int, kind: str, since: str = "1.0.0") -> Any:
    """A field that is left out of the file when it is None.

    `kind` is one of string, table, strings, tables, floats, uints, byte, int, float, or union; a
    union takes two numbers: its type at `number`, its table at the next.
    """
    facts = {"number": number, "kind": kind, "since": since}
    return dataclasses.field(default=None, metadata=facts)


@dataclass(frozen=True)
class AssociatedFile:
    """A file packed into the model; `type` is an AssociatedFileType."""

    name: Optional[str] = _slot(0, "string")
    description: Optional[str] = _slot(1, "string")
    type: Optional[int] = _slot(2, "byte")


@dataclass(frozen=True)
class FeatureProperties:
    """Content: values without a closer description."""

    union_type = 1


@dataclass(frozen=True)
class ImageProperties:
    """Content: an image."""

    union_type = 2
    color_space: Optional[int] = _slot(0, "byte")


@dataclass(frozen=True)
class BoundingBoxProperties:
    """Content: boxes; `index` says where left, top, right and bottom stand."""

    union_type = 3
    index: Optional[tuple[int, ...]] = _slot(0, "uints")
    type: Optional[int] = _slot(1, "byte")
    coordinate_type: Optional[int] = _slot(2, "byte")


@dataclass(frozen=True)
class ValueRange:
    """The axes over which a tensor's content runs, first and last."""

    min: Optional[int] = _slot(0, "int")
    max: Optional[int] = _slot(1, "int")


@dataclass(frozen=True)
class Content:
    """What a tensor holds."""

    content_properties: Union[FeatureProperties, ImageProperties, BoundingBoxProperties, None] = (
        _slot(0, "union")
    )
    range: Optional[ValueRange] = _slot(2, "table")


@dataclass(frozen=True)
class NormalizationOptions:
    """An input is (x - mean) / std of pixels x."""

    union_type = 1
    mean: Optional[tuple[float, ...]] = _slot(0, "floats")
    std: Optional[tuple[float, ...]] = _slot(1, "floats")


@dataclass(frozen=True)
class ScoreThresholdingOptions:
    """The score below which consumers drop detections."""

    union_type = 3
    global_score_threshold: Optional[float] = _slot(0, "float")


@dataclass(frozen=True)
class ProcessUnit:
    """A step before an input or after an output."""

    options: Union[NormalizationOptions, ScoreThresholdingOptions, None] = _slot(0, "union")


@dataclass(frozen=True)
class Stats:
    """Greatest and least value of a tensor."""

    max: Optional[tuple[float, ...]] = _slot(0, "floats")
    min: Optional[tuple[float, ...]] = _slot(1, "floats")


@dataclass(frozen=True)
class TensorGroup:
    """Output tensors that belong together, by name."""

    name: Optional[str] = _slot(0, "string")
    tensor_names: Optional[tuple[str, ...]] = _slot(1, "strings")


@dataclass(frozen=True)
class TensorMetadata:
    """One input or output."""

    name: Optional[str] = _slot(0, "string")
    description: Optional[str] = _slot(1, "string")
    content: Optional[Content] = _slot(3, "table")
    process_units: Optional[tuple[ProcessUnit, ...]] = _slot(4, "tables")
    stats: Optional[Stats] = _slot(5, "table")
    associated_files: Optional[tuple[AssociatedFile, ...]] = _slot(6, "tables")


@dataclass(frozen=True)
class SubGraphMetadata:
    """Inputs and outputs of one graph, in its order."""

    input_tensor_metadata: Optional[tuple[TensorMetadata, ...]] = _slot(2, "tables")
    output_tensor_metadata: Optional[tuple[TensorMetadata, ...]] = _slot(3, "tables")
    output_tensor_groups: Optional[tuple[TensorGroup, ...]] = _slot(8, "tables", since="1.2.0")


@dataclass(frozen=True)
class ModelMetadata:
    """The root table."""

    name: Optional[str] = _slot(0, "string")
    description: Optional[str] = _slot(1, "string")
    version: Optional[str] = _slot(2, "string")
    subgraph_metadata: Optional[tuple[SubGraphMetadata, ...]] = _slot(3, "tables")
    author: Optional[str] = _slot(4, "string")
    license: Optional[str] = _slot(5, "string")
    min_parser_version: Optional[str] = _slot(7, "string")


def encode(metadata: ModelMetadata) -> bytes:
    """The FlatBuffer of `metadata`, its `min_parser_version` set to what its fields need."""
    metadata = dataclasses.replace(metadata, min_parser_version=needed_version(metadata))
    builder = flatbuffers.Builder(1 << 12)
    builder.Finish(_table(builder, metadata), IDENTIFIER)
    return bytes(builder.Output())


def needed_version(table: Any) -> str:
    """The first version of the schema that has every field set in `table` and below it."""
    versions = ["1.0.0"]
    for field, value in _set_fields(table):
        versions.append(field.metadata["since"])
        children = value if isinstance(value, tuple) else (value,)
        versions += [needed_version(child) for child in children if dataclasses.is_dataclass(child)]
    return max(versions, key=lambda version: tuple(map(int, version.split("."))))


def _set_fields(table: Any) -> list[tuple[dataclasses.Field[Any], Any]]:
    pairs = ((field, getattr(table, field.name)) for field in dataclasses.fields(table))
    return [(field, value) for field, value in pairs if value is not None]


def _table(builder: flatbuffers.Builder, table: Any) -> int:
    # A FlatBuffer is written from its leaves: nothing can be created inside an open table.
    fields = [
        (field.metadata["number"], field.metadata["kind"], _value(builder, field, value), value)
        for field, value in _set_fields(table)
    ]
    builder.StartObject(2 + max((number for number, *_ in fields), default=0))
    for number, kind, written, value in fields:
        if kind == "byte":
            builder.PrependInt8Slot(number, written, 0)
        elif kind == "int":
            builder.PrependInt32Slot(number, written, 0)
        elif kind == "float":
            builder.PrependFloat32Slot(number, written, 0.0)
        elif kind == "union":
            builder.PrependUint8Slot(number, value.union_type, 0)
            builder.PrependUOffsetTRelativeSlot(number + 1, written, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(number, written, 0)
    offset: int = builder.EndObject()
    return offset


def _value(builder: flatbuffers.Builder, field: dataclasses.Field[Any], value: Any) -> Any:
    kind = field.metadata["kind"]
    if kind == "string":
        return builder.CreateString(value)
    if kind in ("table", "union"):
        return _table(builder, value)
    if kind == "strings":
        return _vector(builder, [builder.CreateString(item) for item in value], "UOffsetTRelative")
    if kind == "tables":
        return _vector(builder, [_table(builder, item) for item in value], "UOffsetTRelative")
    if kind == "floats":
        return _vector(builder, value, "Float32")
    if kind == "uints":
        return _vector(builder, value, "Uint32")
    return value


def _vector(builder: flatbuffers.Builder, items: Sequence[float], kind: str) -> int:
    prepend = getattr(builder, f"Prepend{kind}")
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        prepend(item)
    offset: int = builder.EndVector()
    return offset
