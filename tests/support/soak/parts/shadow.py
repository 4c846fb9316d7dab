"""A second model, whose engine is killed once."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

from tests.support.soak import models
from tests.support.soak.parts import Part, Place
from tests.support.soak.process import Process
from tests.support.soak.schedule import Schedule
from tests.support.soak.verdict import Check

EVERY = 5


def connect(place: Place) -> Part:
    return Shadow(place.folder)


class Shadow(Part):
    """Every frame that is its turn is compared or counted as missed."""

    def __init__(self, folder: Path) -> None:
        path = folder / "shadow.tflite"
        path.write_bytes(models.second())
        self.words = ("--shadow", f"{path},share={1 / EVERY:g}")
        self._killed: List[int] = []

    def steps(self, schedule: Schedule, process: Process) -> List[Tuple[int, Callable[[], None]]]:
        return [(schedule.frames * 72 // 100, lambda: self._kill(process))]

    def _kill(self, process: Process) -> None:
        for pid in process.shadows()[:1]:
            os.kill(pid, signal.SIGKILL)
            self._killed.append(pid)

    def judge(self, final: Dict[str, Any]) -> List[Check]:
        told = final["shadow"]
        lost = final["frames"] // EVERY - told["frames"] - told["missed"]
        return [
            Check("the second model runs on after its engine was killed", not told["error"] and len(self._killed) == 1,
                  f"{len(self._killed)} killed, error: {told['error'] or 'none'}"),
            # One may be with the engine when the run ends.
            Check("frames of the second model are counted", told["frames"] > 0 and 0 <= lost <= 1,
                  f"{told['frames']} compared, {told['missed']} missed, {lost} not counted"),
        ]  # fmt: skip
