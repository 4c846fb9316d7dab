"""A camera that fails after a given number of frames: `failing:500`."""

from __future__ import annotations

import time

import numpy as np

from runtime.common.errors import KitError
from runtime.common.values import Frame
from runtime.sources import Source

KIND = "a camera for tests"


def accepts(spec: str) -> bool:
    return spec.startswith("failing:")


def connect(spec: str) -> Source:
    return Failing(int(spec.partition(":")[2]))


class Failing(Source):
    live = True
    name = "failing"
    fps = 100.0

    def __init__(self, every: int) -> None:
        self._every = every

    def __iter__(self):
        for index in range(self._every):
            image = np.full((240, 320, 3), 40, np.uint8)
            image[50:100, index % 270 : index % 270 + 50] = 255
            yield Frame(image, index, time.time())
        raise KitError("the cable was pulled")
