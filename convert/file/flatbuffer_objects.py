"""Reading a .tflite into objects that can be edited, and writing them back."""

from __future__ import annotations

import io
import zipfile
from typing import Mapping, Sequence, Union

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from runtime.common.errors import InputError

IDENTIFIER = b"TFL3"

# Interpreters map the file and hand out pointers into it; the schema asks for 16 bytes where data
# of a buffer starts, which the generated Python code does not see to.
ALIGNMENT = 16

# The first date a zip entry can have: files must not differ by when they were made.
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def unpack(model: bytes) -> schema.ModelT:
    """The FlatBuffer in `model` as editable objects; what is appended after it is not among them.

    Raises InputError where the bytes are no .tflite, or keep their weights outside the FlatBuffer.
    """
    if len(model) < 8 or model[4:8] != IDENTIFIER:
        raise InputError("not a .tflite file: the identifier TFL3 is missing")
    objects = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    if any(buffer.offset > 1 for buffer in objects.buffers or ()):
        raise InputError("a .tflite of more than 2 GB, with weights outside its FlatBuffer")
    return objects


def pack(objects: schema.ModelT) -> bytes:
    """The bytes of a .tflite, data of buffers and custom options at multiples of 16 bytes."""
    size = sum(len(buffer.data) for buffer in objects.buffers if buffer.data is not None)
    builder = _AligningBuilder(size + (1 << 16))
    builder.Finish(objects.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def text(name: Union[str, bytes, None]) -> str:
    """A string of the objects, which are bytes when they were read from a file."""
    return name.decode() if isinstance(name, bytes) else (name or "")


def set_metadata(objects: schema.ModelT, name: str, content: bytes) -> None:
    """Makes `content` the model's metadata entry `name`, in place of what it had."""
    entries = list(objects.metadata or ())
    entry = next((entry for entry in entries if text(entry.name) == name), None)
    if entry is None:
        entry = schema.MetadataT(name=name, buffer=len(objects.buffers))
        objects.buffers.append(schema.BufferT())
        entries.append(entry)
    objects.buffers[entry.buffer].data = np.frombuffer(content, np.uint8)
    objects.metadata = entries


def drop_unused(objects: schema.ModelT, kept_metadata: Sequence[str]) -> None:
    """Leaves metadata entries of `kept_metadata` only, and no buffer that nothing refers to.

    Buffer 0 stands for no data and stays.
    """
    objects.metadata = [entry for entry in objects.metadata or () if text(entry.name) in kept_metadata]
    objects.metadataBuffer = None
    kept = [schema.BufferT()]
    moved = {0: 0}
    users = [tensor for graph in objects.subgraphs for tensor in graph.tensors]
    for user in (*users, *objects.metadata):
        if user.buffer not in moved:
            buffer = objects.buffers[user.buffer]
            empty = buffer.data is None or len(buffer.data) == 0
            moved[user.buffer] = 0 if empty else len(kept)
            if not empty:
                kept.append(buffer)
        user.buffer = moved[user.buffer]
    objects.buffers = kept


def append_files(model: bytes, files: Mapping[str, bytes]) -> bytes:
    """`model` followed by `files` as entries of an uncompressed zip, as TFLite Metadata has them."""
    stream = io.BytesIO(model)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, ZIP_DATE)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return stream.getvalue()


class _AligningBuilder(flatbuffers.Builder):  # type: ignore[misc]  # flatbuffers ships no types
    def CreateNumpyVector(self, x: np.ndarray) -> int:
        offset: int
        if x.dtype.itemsize != 1:
            offset = super().CreateNumpyVector(x)
            return offset
        self.StartVector(1, x.size, ALIGNMENT)
        self.head -= x.size
        self.Bytes[self.head : self.head + x.size] = np.ascontiguousarray(x).tobytes()
        self.vectorNumElems = x.size
        offset = self.EndVector()
        return offset
