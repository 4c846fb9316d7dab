"""One image file."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

from runtime.common.values import Frame
from runtime.media import images
from runtime.sources import Source

KIND = "an image (.jpg, .png, .bmp, .webp, .tif)"


def accepts(spec: str) -> bool:
    """Whether `spec` names an image file."""
    return "://" not in spec and not Path(spec).is_dir() and images.is_image(spec)


def connect(spec: str) -> Source:
    """Opens an image file. Raises InputError if it cannot be read."""
    return ImageSource(spec)


class ImageSource(Source):
    """A single frame, at time 0."""

    frames = 1

    def __init__(self, path: str) -> None:
        """Raises InputError if `path` is missing, not an image, or truncated."""
        self.path = Path(path)
        self.name = self.path.name
        self._image = images.read(path)
        self.size = (self._image.shape[1], self._image.shape[0])

    def __iter__(self) -> Iterator[Frame]:
        yield Frame(self._image, file=self.name)

    def file_name(self, index: int) -> str:
        """The image's own file name."""
        return self.name
