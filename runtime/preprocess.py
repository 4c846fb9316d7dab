"""From a picture to what a detector's input takes. Calibration, evaluation and the loop all use this."""

from __future__ import annotations

from typing import Sequence, Tuple, Union

import numpy as np

from runtime.opencv import cv2

# x / 127.5 - 1 maps a camera's bytes to -1..1, which MobileNet detectors are trained on.
MEAN = (127.5,)
STD = (127.5,)


def resize(image: np.ndarray, size: Union[int, Tuple[int, int]], color: str = "BGR") -> np.ndarray:
    """uint8 [height, width, 3] of any size -> uint8 [size, size, 3] in RGB.

    `size` is the side in pixels, or (height, width). Bilinear, without keeping the aspect ratio:
    the published training pipeline does the same. `color` is the order of `image`: "BGR" or "RGB".
    Raises ValueError for an array that is not such a picture.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"a picture is uint8 [height, width, 3], not {image.dtype} {list(image.shape)}")
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
    """uint8 [..., 3] -> the same picture as an input of `dtype` takes it.

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
    raise ValueError(f"pictures are fed as uint8, int8 or float32, not {kind}")
