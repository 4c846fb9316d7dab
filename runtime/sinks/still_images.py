"""Annotated images: a folder with one image per frame, or one file if the source is a single image."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Optional, Sequence

from runtime.common.errors import InputError
from runtime.common.values import Detection, Frame
from runtime.media import drawing, images
from runtime.sinks import Sink, check_file
from runtime.sources import Source

KIND = "a folder (a name without a suffix) or an image (.jpg, .png)"


def accepts(spec: str) -> bool:
    """Whether `spec` names a folder or an image file."""
    # "word:" is the prefix of another kind of sink; a single letter is a Windows drive.
    if spec in ("", "-") or re.match(r"\w{2,}:", spec):
        return False
    path = Path(spec)
    return path.is_dir() or spec.endswith(("/", os.sep)) or path.suffix.lower() in images.WRITABLE | {""}


def connect(spec: str, source: Source) -> Sink:
    """Makes the images. Raises InputError for a wrong path."""
    path = Path(spec)
    reads_a_file = source.path is not None and source.path.is_file()
    if not path.is_dir() and path.suffix.lower() in images.WRITABLE:
        if source.frames != 1 or not reads_a_file:
            raise InputError(f"{spec}: one image cannot hold all of {source.name}; give a folder or an .mp4")
        check_file(path, source)
        return Images(path.parent, source, path.name)
    if path.exists() and not path.is_dir():
        raise InputError(f"{spec}: is a file; give the name of a folder to write images to")
    # Annotated images have the names of their originals, and would overwrite them in the same folder.
    if source.path is not None:
        place = source.path.resolve()
        if path.resolve() == (place.parent if reads_a_file and source.frames == 1 else place):
            raise InputError(f"{spec}: holds the source, which would be overwritten; give another folder")
    return Images(path, source)


class Images(Sink):
    """Writes each annotated frame under the file name that the source gives it.

    For a live source, numbers continue after the highest one in the folder, so that runs do not overwrite
    each other's images.
    """

    def __init__(self, folder: Path, source: Source, name: str = "") -> None:
        """`name`, if not empty, is used for every frame instead of the source's file names."""
        self._folder = folder
        self._source = source
        self._name = name
        self._first: Optional[int] = None

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Writes the annotated frame. Raises KitError if it cannot be written."""
        if self._first is None:
            self._first = _next_number(self._folder, self._source) if self._source.live else 0
        name = self._name or frame.file or self._source.file_name(self._first + frame.index)
        if Path(name).suffix.lower() not in images.WRITABLE:
            name += ".jpg"
        images.write(self._folder / name, drawing.annotated(frame, detections))


def _next_number(folder: Path, source: Source) -> int:
    """The number after the highest one among the images of `source` in `folder`."""
    # File names of one source differ only in their number.
    before, _, after = source.file_name(0).rpartition("000000")
    name = re.compile(re.escape(before) + r"(\d{6,})" + re.escape(after))
    matches = [name.fullmatch(file.name) for file in folder.iterdir()] if folder.is_dir() else []
    return max((int(match[1]) + 1 for match in matches if match), default=0)
