"""The pixels of an example, decoded, and as JPEG or PNG bytes without an EXIF rotation."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from runtime.common.errors import InputError
from train.dataset.examples.example import Example
from train.dataset.examples.image_info import ImageInfo, inspect, inspect_bytes, read_bytes

__all__ = ["ImageInfo", "apply_orientation", "encoded", "inspect", "load", "read"]

_JPEG_QUALITY = 95


def load(example: Example) -> np.ndarray:
    """Returns the pixels that the boxes were drawn on: uint8 [height, width, 3], BGR.

    Raises InputError if the image was removed or changed since its data set was opened.
    """
    return _decode(read(example), str(example.image), (example.width, example.height), example.orientation)


def read(example: Example) -> bytes:
    """Returns the image file's bytes as stored. Raises InputError if it cannot be read."""
    return read_bytes(example.image)


def encoded(example: Example) -> tuple[bytes, str]:
    """Returns the image as upright JPEG or PNG bytes, and its format, "jpeg" or "png".

    An upright 8-bit RGB or grayscale JPEG or PNG is returned as stored. Anything else (an EXIF rotation,
    CMYK, 16 bits, a palette, alpha, another format) is decoded and encoded again, so that every reader
    shows the same pixels. Raises InputError if the image was removed or changed since its data set was
    opened.
    """
    size = example.width, example.height
    return encoded_bytes(read(example), str(example.image), size, example.orientation)


def encoded_bytes(stored: bytes, name: str, size: tuple[int, int], orientation: int) -> tuple[bytes, str]:
    """Like `encoded`, for the bytes of an image file.

    `size` (width, height) and `orientation` are the example's; `name` names the file in messages.
    """
    info = inspect_bytes(stored, name)
    if info.plain and info.orientation == 1:
        _check_size(name, size, (info.width, info.height))
        return stored, info.format
    image = _decode(stored, name, size, orientation)
    if info.format == "jpeg":
        _, new = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        return new.tobytes(), "jpeg"
    _, new = cv2.imencode(".png", image)
    return new.tobytes(), "png"


def apply_orientation(image: np.ndarray, orientation: int) -> np.ndarray:
    """Returns stored pixels [height, width, ...] rotated and mirrored by an EXIF orientation, 1 to 8.

    See Exif 2.32 (CIPA DC-008), tag 0x0112: the orientation says which sides of the scene row 0 and
    column 0 are.
    """
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def _decode(data: bytes, name: str, size: tuple[int, int], orientation: int) -> np.ndarray:
    # The runtime decodes with OpenCV too, so CMYK, 16 bits and alpha become the same 8-bit BGR.
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise InputError(f"{name}: the image cannot be decoded ({error.err})") from error
    if image is None:
        image = _decode_with_pillow(data, name)
    image = apply_orientation(image, orientation)
    _check_size(name, size, (image.shape[1], image.shape[0]))
    return image


def _decode_with_pillow(data: bytes, name: str) -> np.ndarray:
    """Decodes formats that this build of OpenCV cannot read, such as GIF in older versions."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))[:, :, ::-1].copy()
    except Exception as error:
        raise InputError(f"{name}: the image cannot be decoded ({error})") from error


def _check_size(name: str, opened: tuple[int, int], found: tuple[int, int]) -> None:
    if found != opened:
        raise InputError(
            f"{name}: is {found[0]} x {found[1]} now, not {opened[0]} x {opened[1]};"
            " it changed since the data set was opened, so start again"
        )
