"""Cases of resizing and color conversion on images computed by a formula, so that they need no files.

Wrappers in other languages compute the same images and compare the hashes of their results.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from runtime.inference import preprocessing

# (width, height) of the image and of the result: up and down, odd sides, one pixel, both sides halved (which
# OpenCV averages), one side only; last, pixels that lie horizontally in the middle of two, with vertical weights
# that end in many zeros, in few, and in none.
_RESIZES = (
    ((640, 480), (320, 320)), ((480, 640), (320, 320)), ((1280, 720), (320, 320)), ((320, 320), (320, 320)),
    ((640, 640), (320, 320)), ((640, 320), (320, 320)), ((641, 639), (320, 320)), ((37, 29), (320, 320)),
    ((1, 1), (320, 320)), ((1, 500), (320, 320)), ((500, 1), (320, 320)), ((2, 2), (1, 1)), ((3, 2), (1, 1)),
    ((2, 2), (3, 3)), ((319, 321), (320, 320)), ((1000, 13), (64, 48)), ((127, 251), (300, 300)), ((720, 405), (300, 300)),
    ((90, 60), (45, 30)), ((91, 60), (45, 30)), ((333, 777), (224, 160)), ((5, 7), (640, 640)),
    ((480, 270), (80, 80)), ((40, 24), (20, 24)), ((120, 9), (20, 24)), ((80, 27), (20, 24)), ((80, 25), (20, 24)),
    ((80, 54), (20, 512)), ((80, 3), (20, 1024)),
)  # fmt: skip

_YUV_SIZES = ((64, 48), (33, 17), (1, 1))

# Kr and Kb of the recommendations ITU-R BT.601 and BT.709.
_MATRICES = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}
_YUV_BITS = 20


def noise(seed: int, count: int) -> np.ndarray:
    """`count` bytes: byte i is the top byte of a mix of i and `seed`, all in unsigned 32 bits.

    x = (i + 65537 * seed) * 2654435761; x ^= x >> 15; x *= 2246822519; byte = x >> 24
    """
    with np.errstate(over="ignore"):
        mixed = (np.arange(count, dtype=np.uint32) + np.uint32(65537 * seed)) * np.uint32(2654435761)
        mixed ^= mixed >> np.uint32(15)
        mixed *= np.uint32(2246822519)
    return (mixed >> np.uint32(24)).astype(np.uint8)


def resize_cases() -> Iterator[dict[str, Any]]:
    """The cases of resizing.

    The image is `noise(seed, 3 * width * height)`, RGB row by row; `sha256` is that of the result.
    """
    for seed, ((width, height), (to_width, to_height)) in enumerate(_RESIZES):
        image = noise(seed, 3 * width * height).reshape(height, width, 3)
        small = preprocessing.resize(image, (to_height, to_width), "RGB")
        yield {
            "seed": seed, "width": width, "height": height, "to_width": to_width, "to_height": to_height,
            "sha256": sha256(small),
        }  # fmt: skip


def yuv_cases() -> Iterator[dict[str, Any]]:
    """The cases of color conversion: camera frames in YUV 4:2:0; `sha256` is that of the RGB bytes.

    Luma is `noise(seed, width * height)`; chroma, U and V in turn, `noise(seed + 1, 2 * w * h)` with
    w and h half of the width and height, rounded up.
    """
    seed = 100
    for width, height in _YUV_SIZES:
        for matrix in _MATRICES:
            for full in (False, True):
                luma = noise(seed, width * height).reshape(height, width)
                rows, columns = -(-height // 2), -(-width // 2)
                chroma = noise(seed + 1, 2 * rows * columns).reshape(rows, columns, 2)
                yield {
                    "seed": seed, "width": width, "height": height, "matrix": matrix, "full_range": full,
                    "sha256": sha256(yuv_to_rgb(luma, chroma, matrix, full)),
                }  # fmt: skip
                seed += 2


def yuv_coefficients(matrix: str, full: bool) -> tuple[int, int, int, int, int, int]:
    """Factors (black, luma, V to red, U to green, V to green, U to blue) in units of 2**-20; black in steps of luma.

    Cameras give video range (luma 16 to 235, chroma 16 to 240) or full range (0 to 255).
    """
    red, blue = _MATRICES[matrix]
    green = 1 - red - blue
    luma, chroma = (1.0, 1.0) if full else (255 / 219, 255 / 224)
    factors = (
        luma,
        2 * (1 - red) * chroma,
        -2 * blue * (1 - blue) / green * chroma,
        -2 * red * (1 - red) / green * chroma,
        2 * (1 - blue) * chroma,
    )
    return (0 if full else 16, *(round(factor * (1 << _YUV_BITS)) for factor in factors))


def yuv_to_rgb(luma: np.ndarray, chroma: np.ndarray, matrix: str, full: bool) -> np.ndarray:
    """Converts uint8 luma [height, width] and chroma [ceil(height / 2), ceil(width / 2), 2] (U, V) to RGB.

    Each pixel has the chroma of its block of 2 x 2. The arithmetic is in integers, rounded to nearest and clipped.
    """
    black, scale, v_red, u_green, v_green, u_blue = yuv_coefficients(matrix, full)
    height, width = luma.shape
    spread = chroma.astype(np.int64).repeat(2, 0).repeat(2, 1)[:height, :width] - 128
    u, v = spread[..., 0], spread[..., 1]
    y = np.maximum(luma.astype(np.int64) - black, 0) * scale + (1 << (_YUV_BITS - 1))
    channels = (y + v_red * v, y + u_green * u + v_green * v, y + u_blue * u)
    return np.clip(np.stack(channels, -1) >> _YUV_BITS, 0, 255).astype(np.uint8)


def sha256(array: np.ndarray) -> str:
    """The SHA-256 of the array's bytes, in row-major order and little-endian."""
    plain = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(np.ascontiguousarray(plain).tobytes()).hexdigest()
