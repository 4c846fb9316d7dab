"""Extraction of the images in TFRecords to files in the cache, for the code that reads image files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from runtime.common.errors import InputError, KitError
from runtime.common.files import atomic_path
from train.dataset.examples.foreign_paths import path_parts
from train.dataset.examples.image_files import File
from train.dataset.examples.image_info import SUFFIXES
from train.files.cache import cache_folder

_MAX_NAME = 150
_STARTS = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"BM": ".bmp", b"RI": ".webp", b"GI": ".gif"}


class RecordImages:
    """The images of one TFRecord file, in a folder of the cache named by the SHA-256 of the file."""

    def __init__(self, record: File) -> None:
        try:
            with record.path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"{record.name}: cannot be read: {error.strerror}") from error
        self._folder = cache_folder() / "pictures" / digest[:32]
        self._taken: set[str] = set()

    def keep(self, data: memoryview, written: str, number: int) -> Path:
        """Writes an image to the cache, unless it is there already, and returns its path.

        `data` is the encoded image, `number` the record's number. The file is named by the last part of
        `written`, the path in the record. Raises KitError if the cache cannot be written.
        """
        name = _file_name(written, data, number)
        # On some file systems a.JPG and a.jpg are the same file.
        unique = name if name.lower() not in self._taken else f"{number}/{name}"
        self._taken.add(unique.lower())
        path = self._folder / unique
        try:
            if not path.is_file() or path.stat().st_size != len(data):
                with atomic_path(path) as temporary:
                    temporary.write_bytes(data)
        except OSError as error:
            raise KitError(f"{path}: cannot keep the image of a record: {error.strerror or error}") from error
        return path


def _file_name(written: str, data: memoryview, number: int) -> str:
    name = "".join(c for c in (path_parts(written) or ("",))[-1] if c.isprintable() and c not in '<>:"|?*')
    name = name.strip(". ")[-_MAX_NAME:] or f"record-{number:06d}"
    if Path(name).suffix.lower() in SUFFIXES:
        return name
    return name + _STARTS.get(bytes(data[:2]), "")
