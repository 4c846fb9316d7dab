"""Preprocessing: from an image to the input of a detector. Calibration, evaluation and the loop all use it."""

from __future__ import annotations

import os
from typing import Sequence, Tuple, Union

import numpy as np

from runtime.common.opencv import cv2

# x / 127.5 - 1 maps image bytes to -1..1, the range that MobileNet detectors are trained on.
MEAN = (127.5,)
STD = (127.5,)

# What is around an image that keeps its shape.
_GRAY = 114


def resize(image: np.ndarray, size: Union[int, Tuple[int, int]], color: str = "BGR") -> np.ndarray:
    """Resizes `image`, uint8 [height, width, 3] of any size, to uint8 [*size, 3] in RGB.

    `size` is the side in pixels, or (height, width). The interpolation is bilinear and does not keep the aspect ratio,
    as in the published training pipeline. `color` is the channel order of `image`, "BGR" or "RGB". Raises ValueError
    for None and for an array that is not such an image, TypeError for what is no array.

    The result is that of OpenCV's INTER_LINEAR. In integers, for an axis of n source and m target pixels (implemented
    in tests/runtime/inference/test_resize.py, and in the wrappers for phones):

    - Target pixel i lies at x = float32((i + 0.5) * s - 0.5), computed in double precision with s = 1 / (m / n); pixel
      centers are at halves. It lies between the source pixels p = floor(x) and p + 1, and f = x - p.
    - Horizontally, where p < 0 or p >= n - 1, only the pixel at the edge counts, and f = 0. Vertically, f stays, and
      both rows are clipped to the image.
    - The weights are w0 = round((1 - f) * 2048) and w1 = round(f * 2048), in float32, with halves rounded to even.
    - First horizontally: h = w0 * left + w1 * right. Then vertically:
      (((w0 * (h_top >> 4)) >> 16) + ((w1 * (h_bottom >> 4)) >> 16) + 2) >> 2.
    - Where both sides are exactly halved: (a + b + c + d + 2) >> 2 of the four pixels.
    - An image that has the size already is not changed.

    OpenCV 4.8 to 5.0 give these bytes on x86-64 with all instruction sets. On 64-bit ARM, OpenCV uses Arm's KleidiCV
    for some sizes, which rounds differently: OpenCV 5.0, emulated, differed by 1 in 37 % of the bytes from 640 x 480 to
    320, and by up to 2 from squares of 321 to 480; from 1280 x 720, 400 x 300 and 319 x 319 it gave the same bytes.
    The definition above is the reference.
    """
    check_image(image)
    if color not in ("BGR", "RGB"):
        raise ValueError(f'color is "BGR" or "RGB", not {color!r}')
    height, width = (size, size) if isinstance(size, int) else size
    small: np.ndarray = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    # Channels are reordered after resizing, when there are fewer pixels; the result is the same.
    if color == "BGR":
        small = cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
    return small


def letterbox(image: np.ndarray, size: Union[int, Tuple[int, int]], color: str = "BGR") -> np.ndarray:
    """Resizes `image` as `resize` does, but keeps its shape: it fills `size` as far as it can, in the middle of gray.

    As YOLO-style networks are trained (https://docs.ultralytics.com/reference/data/augment, `LetterBox`).
    """
    check_image(image)
    height, width = (size, size) if isinstance(size, int) else size
    left, top, inner_width, inner_height = letterbox_area(image.shape[1], image.shape[0], width, height)
    whole = np.full((height, width, 3), _GRAY, np.uint8)
    whole[top : top + inner_height, left : left + inner_width] = resize(image, (inner_height, inner_width), color)
    return whole


def letterbox_area(width: int, height: int, input_width: int, input_height: int) -> Tuple[int, int, int, int]:
    """Where `letterbox` puts an image of `width` x `height` pixels: left, top, width and height in the input."""
    scale = min(input_width / width, input_height / height)
    inner_width = min(max(round(width * scale), 1), input_width)
    inner_height = min(max(round(height * scale), 1), input_height)
    return (input_width - inner_width) // 2, (input_height - inner_height) // 2, inner_width, inner_height


def normalize(rgb: np.ndarray, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> np.ndarray:
    """Normalizes `rgb`, uint8 [..., 3], to float32 (x - mean) / std; by default x / 127.5 - 1.

    `mean` and `std` have one value, or one for each channel.
    """
    scale = np.asarray(std, np.float32)
    return rgb.astype(np.float32) / scale - np.asarray(mean, np.float32) / scale


def encode(rgb: np.ndarray, dtype: np.dtype, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> np.ndarray:
    """Converts `rgb`, uint8 [..., 3], into the values that an input of type `dtype` takes.

    uint8 inputs take the bytes unchanged and int8 inputs the bytes - 128, whatever the scale and zero point of the
    input: the TFLite Task Library and MediaPipe do the same, and a file must see the same values here as there.
    float32 inputs take the result of `normalize`. Raises ValueError for any other type.
    """
    kind = np.dtype(dtype)
    if kind == np.uint8:
        return rgb
    if kind == np.int8:
        return (rgb ^ np.uint8(0x80)).view(np.int8)
    if kind == np.float32:
        return normalize(rgb, mean, std)
    raise ValueError(f"images are fed as uint8, int8 or float32, not {kind}")


def check_image(image: object) -> None:
    """Raises ValueError or TypeError, with what to do, where `image` is not uint8 [height, width, 3]."""
    if image is None:
        raise ValueError("an image is a uint8 array, not None; cv2.imread returns None where it cannot read the file")
    if isinstance(image, (str, bytes, os.PathLike)):
        raise TypeError(f"an image is a uint8 array, not a path; read it first: cv2.imread({os.fspath(image)!r})")
    if not isinstance(image, np.ndarray):
        raise TypeError(f"an image is a uint8 array [height, width, 3], not {type(image).__name__}; try numpy.asarray")
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"an image is uint8 [height, width, 3], not {image.dtype} {list(image.shape)}")
