"""The tiles that the network of a file was trained on, which the kit notes in it."""

from __future__ import annotations

from typing import Optional

from runtime.boxes.tiles import Tiles
from runtime.common.errors import InputError
from runtime.model.tflite import Model

# An entry of the model's own list of metadata, beside TFLITE_METADATA: its text is that of `Tiles.of`.
ENTRY = "EDGE_DETECTION_KIT_TILES"


def find(model: Model) -> Optional[Tiles]:
    """The tiles that `model` names; None where it names none, or what this version does not know."""
    try:
        data = model.metadata.get(ENTRY)
        return None if data is None else Tiles.of(bytes(data).decode("utf-8"))
    except (InputError, UnicodeDecodeError):
        return None
