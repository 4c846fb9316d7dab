"""A camera that is lost, and that hangs, by a plan: `unsteady:FILE`, a JSON file with the fields of `Plan`."""

from __future__ import annotations

import functools
import json
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Tuple

import numpy as np

from runtime.common.errors import KitError
from runtime.common.values import Frame
from runtime.sources import Source
from tests.support.soak import street

KIND = "a camera for soak tests"

_PREFIX = "unsteady:"


@dataclass(frozen=True)
class Plan:
    """`losses` and `hangs` are the numbers of frames after which the camera is lost, and hangs.

    The first hang lasts for ever, whatever is called; the others end when the source is closed, and deliver one more
    frame. The number of frames delivered so far is kept in the file `given`, in 8 bytes. The frames are those of
    `tests.support.soak.street` where `street` is true, else a bar that moves.
    """

    fps: float
    losses: Tuple[int, ...]
    hangs: Tuple[int, ...]
    given: str
    street: bool = False


# The camera counts on when it is opened again.
_given = 0
_hung: List[int] = []


@functools.lru_cache(maxsize=1)
def _file(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)


def accepts(spec: str) -> bool:
    return spec.startswith(_PREFIX)


def connect(spec: str) -> Source:
    return Unsteady(Plan(**json.loads(Path(spec[len(_PREFIX) :]).read_text())))


class Unsteady(Source):
    live = True
    name = "unsteady"

    def __init__(self, plan: Plan) -> None:
        self.fps = plan.fps
        self._plan = plan
        self._closed = threading.Event()
        # As a camera's driver does.
        self._device = open("/dev/zero", "rb")  # noqa: SIM115

    def __iter__(self) -> Iterator[Frame]:
        global _given
        due = time.monotonic()
        while not self._closed.is_set():
            if _given in self._plan.hangs and _given not in _hung:
                _hung.append(_given)
                if len(_hung) == 1:
                    threading.Event().wait()
                self._closed.wait()
            due = max(due + 1 / self._plan.fps, time.monotonic() - 1)
            time.sleep(max(0.0, due - time.monotonic()))
            _given += 1
            os.pwrite(_file(self._plan.given), _given.to_bytes(8, "little"), 0)
            yield Frame(street.image(_given) if self._plan.street else _bar(_given), _given, time.time(), monotonic=time.monotonic())
            if _given in self._plan.losses:
                raise KitError(f"{self.name}: the cable was pulled")

    def close(self) -> None:
        self._closed.set()
        self._device.close()


def _bar(number: int) -> np.ndarray:
    image = np.full((240, 320, 3), 40, np.uint8)
    image[50:100, number % 270 : number % 270 + 50] = 255
    return image
