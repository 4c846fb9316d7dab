"""Reads image files, with a check that they are complete, and writes them atomically."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Optional, Union

import numpy as np

from runtime.common.errors import InputError, KitError
from runtime.common.files import atomic_path, read_bytes
from runtime.common.opencv import cv2, silence_native_output

SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2"]
)
WRITABLE = frozenset([".jpg", ".jpeg", ".png", ".bmp", ".webp"])

_JPEG, _PNG, _BMP, _RIFF = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF"


def is_image(path: Union[str, os.PathLike[str]]) -> bool:
    """Whether `path` is an image file, by its suffix or, without one, by its first bytes."""
    suffix = Path(path).suffix.lower()
    if suffix:
        return suffix in SUFFIXES
    try:
        with open(path, "rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return head.startswith((_JPEG, _PNG, _BMP)) or (head[:4] == _RIFF and head[8:] == b"WEBP")


def read(path: Union[str, os.PathLike[str]]) -> np.ndarray:
    """Reads the image file `path` as uint8 [height, width, 3] in BGR.

    EXIF orientation is applied; alpha is dropped; gray and 16-bit images are converted. Raises InputError where the
    file is missing, not an image, or cut short.
    """
    return decode(read_bytes(path), str(path))


def decode(data: bytes, where: str = "image") -> np.ndarray:
    """Decodes the bytes of an image file, as `read` does; `where` names them in errors."""
    if not data:
        raise InputError(f"{where}: the file is empty")
    # Decoders fill missing parts with gray and report no error to the program.
    if _cut_short(data):
        raise InputError(f"{where}: the image is cut short; copy it again")
    try:
        with silence_native_output():
            image: Optional[np.ndarray] = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, MemoryError) as error:
        reason = getattr(error, "err", "") or "too big"
        raise InputError(f"{where}: the image cannot be decoded: {' '.join(reason.split())}") from error
    if image is None:
        raise InputError(f"{where}: not an image, or a damaged one")
    return image


def write(path: Union[str, os.PathLike[str]], image: np.ndarray) -> None:
    """Writes `image`, uint8 [height, width, 3] in BGR, in the format of the suffix of `path`.

    Raises KitError where the image cannot be written.
    """
    suffix = Path(path).suffix.lower()
    try:
        done, data = cv2.imencode(suffix, image)
    except cv2.error:
        done = False
    if not done:
        raise KitError(f"{path}: an image of {image.shape[1]} x {image.shape[0]} cannot be written as {suffix}")
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(data.tobytes())
    except OSError as error:
        raise KitError(f"{path}: cannot be written: {error.strerror}") from error


def _cut_short(data: bytes) -> bool:
    """Whether the end of the file is missing; False for formats that are not checked."""
    if data.startswith(_JPEG):
        # A thumbnail has an end marker too, but lies before the first scan.
        return data.rfind(b"\xff\xd9") < max(_first_scan(data), 0)
    if data.startswith(_PNG):
        return _png_is_cut(data)
    if data.startswith(_BMP):
        return _bmp_is_cut(data)
    if data.startswith(_RIFF) and len(data) >= 8:
        (size,) = struct.unpack_from("<I", data, 4)
        return int(size) + 8 > len(data)
    return False


def _first_scan(data: bytes) -> int:
    """The offset of the first scan of a JPEG; the length of the data where there is none."""
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            break
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker == 0xDA:
            return position
        else:
            position += 2 + struct.unpack_from(">H", data, position + 2)[0]
    return len(data)


def _png_is_cut(data: bytes) -> bool:
    position = len(_PNG)
    while position + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IEND":
            return False
        position += 12 + size
    return True


def _bmp_is_cut(data: bytes) -> bool:
    if len(data) < 34:
        return True
    offset, header = struct.unpack_from("<II", data, 10)
    if header < 40:
        return False
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    if compression:
        return False
    row = (width * bits + 31) // 32 * 4
    return bool(offset + row * abs(height) > len(data))
