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

_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF")
_EXIF_ORIENTATION = 0x0112
_JPEG_QUALITY = 95


@dataclass(frozen=True)
class PictureInfo:
    """What the header of a picture file says.

    `format` and `mode` are Pillow's names ("JPEG", "RGB"); `bits` are those of one channel; `width`
    and `height` count the stored pixels; `orientation` is EXIF's, 1 to 8, and 1 where there is none.
    """

    format: str
    mode: str
    bits: int
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


def inspect(path: Union[str, os.PathLike], name: Optional[str] = None) -> PictureInfo:
    """Reads a picture's header and checks that the file is whole, as far as that goes without its pixels.

    `name` stands for the path in messages. Raises InputError, saying what is wrong, where the file is
    missing, empty, no picture, or cut off.
    """
    return inspect_bytes(_read_bytes(Path(path), name or str(path)), name or str(path))


def inspect_bytes(data: bytes, name: str) -> PictureInfo:
    """As `inspect`, for a file's bytes that are in memory; `name` stands for it in messages."""
    if not data:
        raise InputError(f"{name}: the file is empty; copy or download the picture again")
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures and of odd EXIF; neither is a fault here.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                info = _info(image, data)
                fault = _FAULTS.get(info.format, _pixels_fault)(data, image)
    except UnidentifiedImageError as error:
        raise InputError(f"{name}: not a {', '.join(_FORMATS)} picture, or cut off in its header") from error
    except Exception as error:
        # Broken headers end in many kinds of exception; to the user they all mean the same.
        raise InputError(f"{name}: its header cannot be read ({error})") from error
    if fault:
        raise InputError(f"{name}: {fault}; copy or download the picture again")
    return info


def load(example: Example) -> np.ndarray:
    """The pixels that the boxes were drawn on: uint8 [height, width, 3], BGR.

    Raises InputError where the picture has gone or changed since its data set was opened.
    """
    return _decode(read(example), example)


def read(example: Example) -> bytes:
    """The picture file's bytes as stored. Raises InputError where it has gone."""
    return _read_bytes(example.picture, str(example.picture))


def encoded(example: Example, stored: Optional[bytes] = None) -> tuple[bytes, str]:
    """The picture as JPEG or PNG bytes that every reader shows alike, and "jpeg" or "png".

    An upright 8-bit RGB or grey JPEG or PNG is given as it is stored. Anything else (an EXIF
    orientation, CMYK, 16 bits, palette, alpha, another format) is decoded and written anew.
    `stored` are the file's bytes, where they were read already.
    Raises InputError where the picture has gone or changed since its data set was opened.
    """
    data = read(example) if stored is None else stored
    info = inspect_bytes(data, str(example.picture))
    if info.orientation == 1 and info.format in ("JPEG", "PNG") and info.mode in ("RGB", "L") and info.bits == 8:
        _check_size(example, info.width, info.height)
        return data, info.format.lower()
    image = _decode(data, example)
    if info.format == "JPEG":
        _, new = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        return new.tobytes(), "jpeg"
    _, new = cv2.imencode(".png", image)
    return new.tobytes(), "png"


def _read_bytes(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{name}: cannot read the picture: {error.strerror}") from error


def _info(image: Image.Image, data: bytes) -> PictureInfo:
    orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    return PictureInfo(
        image.format,
        image.mode,
        # Pillow calls 16-bit PNGs RGB too; the header chunk (ISO 15948, 11.2.2) has the depth there.
        data[24] if image.format == "PNG" else 8,
        image.width,
        image.height,
        orientation if orientation in range(1, 9) else 1,
    )


def _decode(data: bytes, example: Example) -> np.ndarray:
    # OpenCV, as the runtime: CMYK, 16 bits and alpha become the same 8-bit BGR there and here.
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise InputError(f"{example.picture}: the picture cannot be decoded ({error.err})") from error
    if image is None:
        image = _decode_with_pillow(data, example)
    image = turn(image, example.orientation)
    _check_size(example, image.shape[1], image.shape[0])
    return image


def _decode_with_pillow(data: bytes, example: Example) -> np.ndarray:
    """For what this build of OpenCV cannot read, such as GIF in older ones."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            return np.asarray(image.convert("RGB"))[:, :, ::-1].copy()
    except Exception as error:
        raise InputError(f"{example.picture}: the picture cannot be decoded ({error})") from error


def turn(image: np.ndarray, orientation: int) -> np.ndarray:
    """Stored pixels [height, width, ...] turned as an EXIF orientation, 1 to 8, says to show them.

    Exif 2.32 (CIPA DC-008), tag 0x0112: which sides of the scene row 0 and column 0 are.
    """
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def _check_size(example: Example, width: int, height: int) -> None:
    if (width, height) != (example.width, example.height):
        raise InputError(
            f"{example.picture}: is {width} x {height} now, not {example.width} x {example.height};"
            " it changed since the data set was opened, so start again"
        )


def _jpeg_fault(data: bytes, _: Image.Image) -> str:
    if data.endswith(b"\xff\xd9"):
        return ""
    # Bytes after the end marker are common and harmless. An end marker before the first scan would
    # be a thumbnail's; within a scan 0xFF is always followed by 0x00 or a restart marker.
    scan = _first_scan(data)
    return "" if scan >= 0 and data.find(b"\xff\xd9", scan) >= 0 else "the JPEG is cut off: it has no end marker"


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


def _png_fault(data: bytes, _: Image.Image) -> str:
    at = 8
    view = memoryview(data)
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(view[at : at + 4], "big")
        if end + 4 > len(data):
            break
        kind = bytes(view[at + 4 : at + 8])
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            return f"the PNG is damaged: the checksum of its {kind.decode('latin-1')} chunk at byte {at} is wrong"
        if kind == b"IEND":
            return ""
        at = end + 4
    return "the PNG is cut off: it has no IEND chunk"


def _pixels_fault(_: bytes, image: Image.Image) -> str:
    # The rarer formats have no end marker or checksum to look for.
    try:
        image.load()
    except Exception as error:
        return f"the {image.format} is cut off or damaged ({error})"
    return ""


_FAULTS = {"JPEG": _jpeg_fault, "PNG": _png_fault}
