"""A folder of images, in the order of their file names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator

from runtime.common.errors import InputError
from runtime.common.values import Frame
from runtime.media import images
from runtime.sources import Source

KIND = "a folder of images"


def accepts(spec: str) -> bool:
    """Whether `spec` names a folder."""
    return "://" not in spec and Path(spec).is_dir()


def connect(spec: str) -> Source:
    """Opens a folder. Raises InputError if it has no images."""
    return FolderSource(spec)


class FolderSource(Source):
    """The images in a folder, without hidden files and subfolders.

    A frame's index is the image's position in the list; an image that cannot be read is skipped and leaves a
    gap. Frames are one second apart, since images have no time.
    """

    fps = 1.0

    def __init__(self, path: str) -> None:
        """Raises InputError if there are no images in `path`."""
        self.path = Path(path)
        self.name = self.path.resolve().name
        try:
            files = sorted(file for file in self.path.iterdir() if not file.name.startswith("."))
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error
        self._files = [file for file in files if file.suffix.lower() in images.SUFFIXES and file.is_file()]
        if not self._files:
            what = f"none of its {len(files)} entries is an image" if files else "the folder is empty"
            raise InputError(f"{path}: {what}; images end in .jpg, .png, .bmp, .webp or .tif")
        self.frames = len(self._files)
        self.skipped = 0

    def __iter__(self) -> Iterator[Frame]:
        self.skipped = 0
        for index, file in enumerate(self._files):
            try:
                image = images.read(file)
            except InputError as error:
                self.skipped += 1
                print(f"skipped: {error}", file=sys.stderr)
                continue
            yield Frame(image, index, index / self.fps)
        if self.skipped == len(self._files):
            raise InputError(f"{self.path}: none of its {len(self._files)} images can be read")

    def file_name(self, index: int) -> str:
        """The file name of image `index`."""
        return self._files[index].name
