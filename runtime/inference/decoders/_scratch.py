"""Memory that a decoder uses again for each image: an array for each thread, since several may decode at once."""

from __future__ import annotations

import threading
from typing import Tuple

import numpy as np


class Scratch(threading.local):
    """`reached` says of each logit whether it reaches the threshold; what is in it lasts until the thread's next image.

    It has a megabyte at 90 classes, which takes longer to get anew each time than to fill.
    """

    def __init__(self, shape: Tuple[int, int]) -> None:
        """Called in each thread that uses it, with the same `shape`."""
        self.reached = np.empty(shape, bool)
