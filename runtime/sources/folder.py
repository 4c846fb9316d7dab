"""A folder of images, in the order of their file names."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Iterator, Sequence

from runtime.common.errors import InputError
from runtime.common.values import Frame
from runtime.media import images
from runtime.sources import Source

KIND = "a folder of images"

# Formats of images that OpenCV's wheels do not read.
OTHER_IMAGES = frozenset(
    (".heic", ".heif", ".avif", ".jxl", ".gif", ".svg", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf")
)


def accepts(spec: str) -> bool:
    """Whether `spec` names a folder."""
    return "://" not in spec and Path(spec).is_dir()


def connect(spec: str) -> Source:
    """Opens a folder, and tells which images in it are not read. Raises InputError if it has no images."""
    source = FolderSource(spec)
    if source.unread:
        print(f"skipped: {spec}: {source.unread}", file=sys.stderr)
    return source


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
        self.unread = _unread(files)
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
            yield Frame(image, index, index / self.fps, file=file.name)
        if self.skipped == len(self._files):
            raise InputError(f"{self.path}: none of its {len(self._files)} images can be read")

    def file_name(self, index: int) -> str:
        """The file name of image `index`."""
        return self._files[index].name


def _unread(files: Sequence[Path]) -> str:
    """What in the folder holds images that are not read; empty where nothing does."""
    kinds = Counter(file.suffix.lower() for file in files if file.suffix.lower() in OTHER_IMAGES and file.is_file())
    parts = [f"{number} {kind}" for kind, number in sorted(kinds.items())]
    folders = [file.name for file in files if file.is_dir()]
    if len(folders) == 1:
        parts.append(f"the subfolder {folders[0]}")
    elif folders:
        parts.append(f"{len(folders)} subfolders, the first {folders[0]}")
    advice = "; convert the files to .jpg or .png" if kinds else ""
    return f"{' and '.join(parts)}{advice}" if parts else ""
