"""Marks a file with the tiles that its network was trained on, so that whoever runs it can be told."""

from __future__ import annotations

from collections.abc import Callable

from convert.file import flatbuffer_objects
from runtime.boxes.tiles import Tiles
from runtime.model.tflite import Model
from runtime.model.trained_tiles import ENTRY

Make = Callable[[float | None], bytes]


def mark(model: bytes, tiles: Tiles) -> bytes:
    """`model` with an entry beside its TFLite Metadata that names `tiles`; readers that do not know it pass over it."""
    read = Model.parse(model, "the file to mark")
    objects = flatbuffer_objects.unpack(model)
    flatbuffer_objects.set_metadata(objects, ENTRY, str(tiles).encode())
    return flatbuffer_objects.append_files(flatbuffer_objects.pack(objects), read.associated_files())


def marking(make: Make, tiles: Tiles | None) -> Make:
    """`make`, and what it gives marked with `tiles`, where there are some."""
    return make if tiles is None else lambda score: mark(make(score), tiles)
