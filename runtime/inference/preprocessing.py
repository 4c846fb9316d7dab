"""From an image to what a detector's input takes. Calibration, evaluation and the loop all use this."""

from __future__ import annotations

from typing import Sequence, Tuple, Union

import numpy as np

from runtime.common.opencv import cv2

# x / 127.5 - 1 maps a camera's bytes to -1..1, which MobileNet detectors are trained on.
MEAN = (127.5,)
STD = (127.5,)


def resize(image: np.ndarray, size: Union[int, Tuple[int, int]], color: str = "BGR") -> np.ndarray:
    """uint8 [height, width, 3] of any size -> uint8 [size, size, 3] in RGB.

    `size` is the side in pixels, or (height, width). Bilinear, without keeping the aspect ratio:
    the published training pipeline does the same. `color` is the order of `image`: "BGR" or "RGB".
    Raises ValueError for an array that is not such an image.

    The bytes are those of OpenCV's INTER_LINEAR. In whole numbers, for each axis of n source and m
    target pixels (written out in tests/runtime/inference/test_resize.py, and again in the wrappers for phones):

    - Target pixel i lies at x = float32((i + 0.5) * s - 0.5) in double precision, s = 1 / (m / n):
      pixel centres are at halves. It lies between source pixels p = floor(x) and p + 1; f = x - p.
    - Across, where p < 0 or p >= n - 1 the one pixel at the edge counts, f = 0. Down, f stays, and
      both rows are clipped to the image.
    - Weights are w0 = round((1 - f) * 2048) and w1 = round(f * 2048), in float32, halves to even.
    - Across first: h = w0 * left + w1 * right. Then down:
      (((w0 * (h_top >> 4)) >> 16) + ((w1 * (h_bottom >> 4)) >> 16) + 2) >> 2.
    - Where both sides are exactly halved: (a + b + c + d + 2) >> 2 of the four pixels.
    - Where the size stays, the bytes do.

    OpenCV 4.8 to 5.0 give these bytes on x86-64 with every set of instructions. On 64-bit ARM it hands
    some sizes to Arm's KleidiCV, which rounds otherwise: OpenCV 5.0, emulated, was 1 step away on 37 %
    of the bytes from 640 x 480 to 320, and up to 2 steps from squares of 321 to 480; from 1280 x 720,
    400 x 300 and 319 x 319 it gave the same bytes. What is stated here is what counts.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"an image is uint8 [height, width, 3], not {image.dtype} {list(image.shape)}")
    if color not in ("BGR", "RGB"):
        raise ValueError(f'color is "BGR" or "RGB", not {color!r}')
    height, width = (size, size) if isinstance(size, int) else size
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    # The order is changed after resizing, where there are fewest pixels; the result is the same.
    return cv2.cvtColor(small, cv2.COLOR_BGR2RGB) if color == "BGR" else small


def normalise(rgb: np.ndarray, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> np.ndarray:
    """uint8 [..., 3] -> float32 (x - mean) / std, by default x / 127.5 - 1.

    `mean` and `std` have one value, or one for each channel.
    """
    scale = np.asarray(std, np.float32)
    return rgb.astype(np.float32) / scale - np.asarray(mean, np.float32) / scale


def encode(rgb: np.ndarray, dtype: np.dtype, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> np.ndarray:
    """uint8 [..., 3] -> the same image as an input of `dtype` takes it.

    uint8 inputs take the bytes as they are and int8 inputs the bytes - 128, whatever the input's
    scale and zero point: that is what the TFLite Task Library and MediaPipe feed them, and a file
    that works there must see the same here. float32 inputs take `normalise`.
    Raises ValueError for any other type.
    """
    kind = np.dtype(dtype)
    if kind == np.uint8:
        return rgb
    if kind == np.int8:
        return (rgb ^ np.uint8(0x80)).view(np.int8)
    if kind == np.float32:
        return normalise(rgb, mean, std)
    raise ValueError(f"images are fed as uint8, int8 or float32, not {kind}")
