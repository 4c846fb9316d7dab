"""Reads the content of a .tflite file without TensorFlow.

Field numbers are those of tensorflow/compiler/mlir/lite/schema/schema.fbs (version 3).
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Mapping, Optional, Sequence, Tuple, TypeVar, Union

import numpy as np

from runtime.common.errors import InputError
from runtime.common.files import read_bytes
from runtime.model import operators, other_files
from runtime.model.flatbuffer import FlatBuffer, Table

IDENTIFIER = b"TFL3"

# Name, custom name and version of an operator.
_Code = Tuple[str, str, int]

_Item = TypeVar("_Item")

# enum TensorType of the schema, in its order.
TYPES = ["float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64", "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16", "int2", "uint4", "float8_e4m3fn", "float8_e5m2"]

# Label lists have kilobytes; more than this is not unpacked, to protect memory from crafted archives.
MOST_ASSOCIATED_BYTES = 64 << 20


@dataclass(frozen=True, eq=False)
class Quantization:
    """Quantization parameters: real = (stored - zero_point) * scale.

    `scales` is float32 [n] and `zero_points` int64 [n], with one value for the tensor or one for each index along
    `axis`; both are empty where the tensor is not quantized, and the object is then false.
    """

    scales: np.ndarray
    zero_points: np.ndarray
    axis: int = 0

    def __bool__(self) -> bool:
        return self.scales.size > 0


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of a subgraph.

    `signature` is `shape` with -1 for dimensions that may change; empty where none may. `type` is one of TYPES.
    `buffer` is an index into the buffers of the model.
    """

    name: str
    shape: Tuple[int, ...]
    type: str
    quantization: Quantization
    signature: Tuple[int, ...] = ()
    buffer: int = 0

    def __str__(self) -> str:
        """Name, shape and type, as in `location [1, 25, 4] float32`."""
        return f"{self.name} {list(self.signature or self.shape)} {self.type}"


@dataclass(frozen=True, eq=False)
class Operator:
    """An operator of a subgraph.

    `name` is that of a built-in operator, such as `CONV_2D`, or `CUSTOM`, with the name in `custom_name`. `inputs` and
    `outputs` are tensor indices; -1 stands for an optional input that is absent.
    """

    name: str
    inputs: Tuple[int, ...]
    outputs: Tuple[int, ...]
    version: int = 1
    custom_name: str = ""
    custom_options: bytes = b""


@dataclass(frozen=True, eq=False)
class Subgraph:
    """A graph. `inputs` and `outputs` are indices into `tensors`, in the order of the interpreter."""

    name: str
    tensors: Tuple[Tensor, ...]
    inputs: Tuple[int, ...]
    outputs: Tuple[int, ...]
    operators: Tuple[Operator, ...]


@dataclass(frozen=True, eq=False)
class Signature:
    """A signature. `inputs` and `outputs` map its names to tensor indices of `subgraph`."""

    key: str
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    subgraph: int = 0


@dataclass(frozen=True, eq=False)
class Model:
    """The content of a .tflite. `where` names it in error messages; `metadata` maps names to data."""

    where: str
    data: bytes
    version: int
    description: str
    subgraphs: Tuple[Subgraph, ...]
    signatures: Tuple[Signature, ...]
    metadata: Mapping[str, bytes]
    buffers: Tuple[memoryview, ...]

    @property
    def main(self) -> Subgraph:
        """The subgraph that the interpreter runs."""
        return self.subgraphs[0]

    @classmethod
    def read(cls, path: Union[str, os.PathLike[str]]) -> Model:
        """Reads the file `path`. Raises InputError where it is missing, not a .tflite, or damaged."""
        if os.path.isdir(path):
            raise InputError(f"{path}: not a .tflite file: {other_files.describe_folder(Path(path))}")
        return cls.parse(read_bytes(path), str(path))

    @classmethod
    def parse(cls, data: bytes, where: str = "model") -> Model:
        """Parses `data`. Raises InputError where it is not a .tflite, or damaged."""
        if len(data) < 8 or data[4:8] != IDENTIFIER:
            what = other_files.describe_file(data, where) or "a .tflite has TFL3 at its bytes 4 to 7"
            raise InputError(f"{where}: not a .tflite file: {what}")
        flat = FlatBuffer(data, IDENTIFIER, where)
        root = flat.root()
        buffers = tuple(_buffer(flat, table) for table in root.tables(4))
        codes = [_code(table) for table in root.tables(1)]
        subgraphs = tuple(_subgraph(flat, table, codes, len(buffers)) for table in root.tables(2))
        if not subgraphs:
            raise flat.damage("it holds no graph")
        signatures = tuple(_signature(flat, table, subgraphs) for table in root.tables(7))
        metadata = {}
        for entry in root.tables(6):
            content = _pick(flat, buffers, entry.number(1, "I"), "buffer")
            flat.spend(len(content))
            metadata[entry.text(0)] = bytes(content)
        return cls(
            where, data, root.number(0, "I"), root.text(3), subgraphs, signatures, metadata, buffers
        )

    def associated_files(self) -> Dict[str, bytes]:
        """The files packed into the model as a zip archive, such as a label list: name -> content.

        Raises InputError where the archive is damaged.
        """
        stream = io.BytesIO(self.data)
        if not zipfile.is_zipfile(stream):
            return {}
        try:
            with zipfile.ZipFile(stream) as archive:
                entries = [entry for entry in archive.infolist() if not entry.is_dir()]
                size = sum(entry.file_size for entry in entries)
                if size > MOST_ASSOCIATED_BYTES:
                    raise InputError(f"{self.where}: its associated files claim {size} bytes")
                return {entry.filename: archive.read(entry) for entry in entries}
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
            # RuntimeError stands for encrypted entries, and its subclass NotImplementedError for unknown compression.
            raise InputError(f"{self.where}: its associated files are damaged: {error}") from error


def _buffer(flat: FlatBuffer, table: Table) -> memoryview:
    inline = table.data(0)
    offset, size = table.number(1, "Q"), table.number(2, "Q")
    # Files over 2 GB have their data after the FlatBuffer. Offsets 0 and 1 stand for data inside it.
    return flat.span(offset, size) if offset > 1 else inline


def _code(table: Table) -> _Code:
    narrow, wide = table.number(0, "b"), table.number(3, "i")
    name = operators.name_of(max(narrow, wide))
    return name, table.text(1), table.number(2, "i", 1)


def _subgraph(flat: FlatBuffer, table: Table, codes: Sequence[_Code], buffers: int) -> Subgraph:
    tensors = tuple(_tensor(flat, entry, buffers) for entry in table.tables(0))
    inputs = _indices(flat, table, 1, len(tensors), 0)
    outputs = _indices(flat, table, 2, len(tensors), 0)
    steps = tuple(_operator(flat, entry, codes, len(tensors)) for entry in table.tables(3))
    return Subgraph(table.text(4), tensors, inputs, outputs, steps)


def _tensor(flat: FlatBuffer, table: Table, buffers: int) -> Tensor:
    shape = tuple(table.numbers(0, "<i4").tolist())
    if any(side < 0 for side in shape):
        raise flat.damage(f"a tensor's shape is {list(shape)}")
    kind = table.number(1, "b")
    if not 0 <= kind < len(TYPES):
        raise flat.damage(f"a tensor's type is {kind}")
    buffer = table.number(2, "I")
    if buffer >= max(buffers, 1):
        raise flat.damage(f"a tensor wants buffer {buffer} of {buffers}")
    signature = tuple(table.numbers(7, "<i4").tolist())
    return Tensor(table.text(3), shape, TYPES[kind], _quantization(flat, table.table(4)), signature, buffer)


def _quantization(flat: FlatBuffer, table: Optional[Table]) -> Quantization:
    if table is None:
        return Quantization(np.empty(0, np.float32), np.empty(0, np.int64))
    scales, zero_points = table.numbers(2, "<f4"), table.numbers(3, "<i8")
    if zero_points.size == 0:
        zero_points = np.zeros(scales.size, np.int64)
    if zero_points.size != scales.size:
        raise flat.damage(f"a tensor has {scales.size} scales and {zero_points.size} zero points")
    return Quantization(scales, zero_points, table.number(6, "i"))


def _operator(flat: FlatBuffer, table: Table, codes: Sequence[_Code], tensors: int) -> Operator:
    name, custom_name, version = _pick(flat, codes, table.number(0, "I"), "operator code")
    options = table.data(5)
    flat.spend(len(options))
    return Operator(
        name,
        _indices(flat, table, 1, tensors, -1),
        _indices(flat, table, 2, tensors, 0),
        version,
        custom_name,
        bytes(options),
    )


def _signature(flat: FlatBuffer, table: Table, subgraphs: Tuple[Subgraph, ...]) -> Signature:
    index = table.number(4, "I")
    tensors = _pick(flat, subgraphs, index, "subgraph").tensors

    def names(field: int) -> Dict[str, int]:
        entries = [(entry.text(0), entry.number(1, "I")) for entry in table.tables(field)]
        for _, tensor in entries:
            _pick(flat, tensors, tensor, "tensor")
        return dict(entries)

    return Signature(table.text(2), names(0), names(1), index)


def _indices(flat: FlatBuffer, table: Table, field: int, tensors: int, least: int) -> Tuple[int, ...]:
    indices = tuple(table.numbers(field, "<i4").tolist())
    for index in indices:
        if not least <= index < tensors:
            raise flat.damage(f"it wants tensor {index} of {tensors}")
    return indices


def _pick(flat: FlatBuffer, values: Sequence[_Item], index: int, what: str) -> _Item:
    if index >= len(values):
        raise flat.damage(f"it wants {what} {index} of {len(values)}")
    return values[index]
