"""A camera that is lost, and that hangs, by a plan: `unsteady:FILE`, a JSON file with the fields of `Plan`."""

from __future__ import annotations

import functools
import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator, List, Tuple

import numpy as np

from runtime.common.errors import KitError
from runtime.common.values import Frame
from runtime.sources import Source
from tests.support.soak import street

KIND = "a camera for soak tests"
LIVE = True

_PREFIX = "unsteady:"


@dataclass(frozen=True)
class Plan:
    """`losses` and `hangs` are the numbers of frames after which the camera is lost, and hangs.

    The first hang lasts for ever, whatever is called; the others end when the source is closed, and deliver one more
    frame. The number of frames delivered so far is kept in the file `given`, in 8 bytes. The frames are those of
    `tests.support.soak.street` where squares move by `step` pixels, else a bar that moves.
    """

    name: str
    fps: float
    losses: Tuple[int, ...]
    hangs: Tuple[int, ...]
    given: str
    step: int = 0


@dataclass
class _Delivered:
    """The number of frames so far, and after which of them the camera has hung."""

    frames: int = 0
    hung: List[int] = field(default_factory=list)


@functools.cache
def _delivered(path: str) -> _Delivered:
    """Of the camera whose plan has this file `given`: it counts on when it is opened again."""
    return _Delivered()


@functools.cache
def _file(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)


def accepts(spec: str) -> bool:
    return spec.startswith(_PREFIX)


def connect(spec: str) -> Source:
    return Unsteady(Plan(**json.loads(Path(spec[len(_PREFIX) :]).read_text())))


class Unsteady(Source):
    live = True

    def __init__(self, plan: Plan) -> None:
        self.name = plan.name
        self.fps = plan.fps
        self._plan = plan
        self._closed = threading.Event()
        # As a camera's driver does.
        self._device = open("/dev/zero", "rb")  # noqa: SIM115

    def __iter__(self) -> Iterator[Frame]:
        plan, delivered = self._plan, _delivered(self._plan.given)
        due = time.monotonic()
        while not self._closed.is_set():
            if delivered.frames in plan.hangs and delivered.frames not in delivered.hung:
                delivered.hung.append(delivered.frames)
                if len(delivered.hung) == 1:
                    threading.Event().wait()
                self._closed.wait()
            due = max(due + 1 / plan.fps, time.monotonic() - 1)
            time.sleep(max(0.0, due - time.monotonic()))
            delivered.frames += 1
            number = delivered.frames
            os.pwrite(_file(plan.given), number.to_bytes(8, "little"), 0)
            yield Frame(street.image(number, plan.step) if plan.step else _bar(number), number, time.time(), monotonic=time.monotonic())
            if delivered.frames in plan.losses:
                raise KitError(f"{self.name}: the cable was pulled")

    def close(self) -> None:
        self._closed.set()
        self._device.close()


def _bar(number: int) -> np.ndarray:
    image = np.full((240, 320, 3), 40, np.uint8)
    image[50:100, number % 270 : number % 270 + 50] = 255
    return image
