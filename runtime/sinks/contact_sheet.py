"""A contact sheet: one image with many small annotated frames."""

from __future__ import annotations

from pathlib import Path
from typing import List, Sequence

import numpy as np

from runtime.common.errors import InputError
from runtime.common.values import Detection, Frame
from runtime.media import drawing, images
from runtime.sinks import Sink, check_file
from runtime.sources import Source

KIND = "a contact sheet (sheet:NAME.png)"

PREFIX = "sheet:"
COLUMNS = 4
MOST_CELLS = 24
CELL = (320, 240)


def accepts(spec: str) -> bool:
    """Whether `spec` names a contact sheet."""
    return spec.startswith(PREFIX)


def connect(spec: str, source: Source) -> Sink:
    """Makes the contact sheet. Raises InputError for a wrong file name."""
    path = Path(spec[len(PREFIX) :])
    if path.suffix.lower() not in images.WRITABLE:
        raise InputError(f"{spec}: a contact sheet is an image; give {PREFIX}NAME.png or {PREFIX}NAME.jpg")
    check_file(path, source)
    return ContactSheet(path)


class ContactSheet(Sink):
    """Shows up to MOST_CELLS frames, spread evenly over the run.

    The number of frames is not known in advance. Every frame is added until the sheet is full; then every
    second cell is removed, and from there on only every second frame is added, and so on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cells: List[np.ndarray] = []
        self._stride = 1
        self._seen = 0

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Adds the frame, if its turn has come."""
        if self._seen % self._stride == 0:
            if len(self._cells) == MOST_CELLS:
                self._cells = self._cells[::2]
                self._stride *= 2
            # MOST_CELLS is even, so the number of this frame is a multiple of the doubled stride too.
            self._cells.append(drawing.fit(drawing.annotated(frame, detections), *CELL))
        self._seen += 1

    def close(self) -> None:
        """Writes the sheet."""
        if self._cells:
            images.write(self._path, drawing.contact_sheet(self._cells, COLUMNS, CELL))
