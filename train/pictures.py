"""Picture files: what they are, whether they are whole, and their pixels as the boxes saw them."""

from __future__ import annotations

import io
import os
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from runtime.errors import InputError
from train.example import Example

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif")

_EXIF_ORIENTATION = 0x0112
_JPEG_QUALITY = 95


@dataclass(frozen=True)
class PictureInfo:
    """What the header of a picture file says.

    `format` and `mode` are Pillow's names ("JPEG", "RGB"); `width` and `height` count the stored
    pixels; `orientation` is EXIF's, 1 to 8, and 1 where the file has none.
    """

    format: str
    mode: str
    width: int
    height: int
    orientation: int

    @property
    def displayed_size(self) -> tuple[int, int]:
        """(width, height) as a viewer shows the picture: turned as EXIF says."""
        return turned_size(self.width, self.height, self.orientation)


def turned_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """(width, height) after the turn of an EXIF orientation; 5 to 8 swap the sides."""
    return (height, width) if orientation >= 5 else (width, height)


def inspect(path: Union[str, os.PathLike]) -> PictureInfo:
    """Reads a picture's header and checks that the file is whole, without decoding its pixels.

    Raises InputError, saying what is wrong, where the file is missing, empty, no picture, or cut off.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot read the picture: {error.strerror}") from error
    return inspect_bytes(data, str(path))


def inspect_bytes(data: bytes, where: str) -> PictureInfo:
    """As `inspect`, for a file's bytes that are in memory; `where` names it in errors."""
    if not data:
        raise InputError(f"{where}: the file is empty")
    try:
        with warnings.catch_warnings():
            # Pillow warns of very large pictures and odd EXIF; both are judged below or harmless.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as image:
                orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
                info = PictureInfo(
                    "JPEG" if image.format == "MPO" else image.format,
                    image.mode,
                    image.width,
                    image.height,
                    orientation if orientation in range(1, 9) else 1,
                )
    except UnidentifiedImageError as error:
        raise InputError(f"{where}: not a picture, or its header is cut off") from error
    except Exception as error:
        # Decoders meet broken headers with many kinds of exception; all mean the same to the user.
        raise InputError(f"{where}: its header cannot be read ({error})") from error
    fault = _CHECKS.get(info.format, lambda data: None)(data)
    if fault:
        raise InputError(f"{where}: {fault}; copy or download the picture again")
    return info


def load(example: Example) -> np.ndarray:
    """The pixels that the boxes were drawn on: uint8 [height, width, 3], BGR."""
    return _decode(read(example), example)


def encoded(example: Example, stored: Optional[bytes] = None) -> tuple[bytes, str]:
    """The picture as JPEG or PNG bytes that every reader shows alike, and "jpeg" or "png".

    An upright 8-bit RGB or grey JPEG or PNG is given as it is stored. Anything else (turned by EXIF,
    CMYK, 16 bits, palette, alpha, another format) is decoded and written anew. `stored` are the file's bytes where they were read.
    """
    data = read(example) if stored is None else stored
    info = inspect_bytes(data, str(example.picture))
    if info.orientation == 1 and info.format in ("JPEG", "PNG") and info.mode in ("RGB", "L"):
        return data, info.format.lower()
    image = _decode(data, example)
    if info.format == "JPEG":
        _, new = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        return new.tobytes(), "jpeg"
    _, new = cv2.imencode(".png", image)
    return new.tobytes(), "png"


def read(example: Example) -> bytes:
    """The picture file's bytes as stored. Raises InputError where it has gone."""
    try:
        return example.picture.read_bytes()
    except OSError as error:
        raise InputError(f"{example.picture}: cannot read the picture: {error.strerror}") from error


def _decode(data: bytes, example: Example) -> np.ndarray:
    # OpenCV, as the runtime: CMYK, 16 bits and alpha become the same 8-bit BGR there and here.
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        image = _decode_with_pillow(data, example)
    image = _turn(image, example.orientation)
    if image.shape[:2] != (example.height, example.width):
        raise InputError(
            f"{example.picture}: is {image.shape[1]} x {image.shape[0]} now,"
            f" not {example.width} x {example.height}; it changed since it was read"
        )
    return image


def _decode_with_pillow(data: bytes, example: Example) -> np.ndarray:
    """For formats that this build of OpenCV lacks."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))[:, :, ::-1].copy()
    except Exception as error:
        raise InputError(f"{example.picture}: the picture cannot be decoded ({error})") from error


def _turn(image: np.ndarray, orientation: int) -> np.ndarray:
    """Stored pixels as EXIF orientation 1 to 8 says to show them (CIPA DC-008, tag 0x0112)."""
    if orientation in (2, 5, 7):
        image = cv2.flip(image, 1)
    rotation = {3: cv2.ROTATE_180, 4: None, 5: cv2.ROTATE_90_COUNTERCLOCKWISE, 6: cv2.ROTATE_90_CLOCKWISE}
    rotation |= {7: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
    if orientation == 4:
        return cv2.flip(image, 0)
    return cv2.rotate(image, rotation[orientation]) if orientation in rotation else image


def _jpeg_fault(data: bytes) -> str:
    if data[-2:] == b"\xff\xd9":
        return ""
    # Bytes after the end marker are common and harmless. An end marker before the first scan would
    # be the thumbnail's; within a scan 0xFF is always followed by 0x00 or a restart marker.
    scan = _first_scan(data)
    if scan < 0 or data.find(b"\xff\xd9", scan) < 0:
        return "the JPEG is cut off: it has no end marker"
    return ""


def _first_scan(data: bytes) -> int:
    """The offset of the first start-of-scan marker; -1 where the segments end before."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xFF:
            at += 1
        elif data[at + 1] == 0xDA:
            return at
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return -1


def _png_fault(data: bytes) -> str:
    at = 8
    view = memoryview(data)
    while at + 12 <= len(data):
        length = int.from_bytes(view[at : at + 4], "big")
        kind = bytes(view[at + 4 : at + 8])
        end = at + 8 + length
        if end + 4 > len(data):
            break
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            return f"the PNG is damaged: the checksum of its {kind.decode('latin-1')} chunk at byte {at} is wrong"
        if kind == b"IEND":
            return ""
        at = end + 4
    return "the PNG is cut off: it has no IEND chunk"


_CHECKS = {"JPEG": _jpeg_fault, "PNG": _png_fault}
