"""A second model, whose engine is killed once."""

from __future__ import annotations

import json
import os
import signal
from typing import Any, Callable, Dict, List, Tuple

from tests.support.soak import models
from tests.support.soak.parts import Part, Place
from tests.support.soak.process import Process
from tests.support.soak.schedule import Schedule
from tests.support.soak.verdict import Check

EVERY = 5
# Frames that go by while the first model is loaded again, at most: what is compared meanwhile counts for the one before it.
_RELOADING = 400


def connect(place: Place) -> Part:
    return Shadow(place)


class Shadow(Part):
    """Every frame that is its turn is compared or counted as missed. The counts begin anew with each load of the first model."""

    def __init__(self, place: Place) -> None:
        self._lines = place.lines
        self._last_reload = 0
        path = place.folder / "shadow.tflite"
        path.write_bytes(models.second())
        self.words = ("--shadow", f"{path},share={1 / EVERY:g}")
        self._killed: List[int] = []

    def steps(self, schedule: Schedule, process: Process) -> List[Tuple[int, Callable[[], None]]]:
        self._last_reload = schedule.reloads[-1]
        # After the last reload, so that the frame that is lost with the engine is among those that are counted at the end.
        return [(schedule.frames * 90 // 100, lambda: self._kill(process))]

    def _kill(self, process: Process) -> None:
        for pid in process.shadows()[:1]:
            os.kill(pid, signal.SIGKILL)
            self._killed.append(pid)

    def judge(self, final: Dict[str, Any]) -> List[Check]:
        told = final["shadow"]
        since = sum(json.loads(line)["frame"] > self._last_reload for line in self._lines.read_text().splitlines())
        lost = since // EVERY - told["frames"] - told["missed"]
        return [
            Check("the second model runs on after its engine was killed", not told["error"] and len(self._killed) == 1,
                  f"{len(self._killed)} killed, error: {told['error'] or 'none'}"),
            # One may be with the engine when the run ends.
            Check("frames of the second model are counted", told["frames"] > 0 and -1 <= lost <= 1 + _RELOADING // EVERY,
                  f"{told['frames']} compared, {told['missed']} missed, {lost} not counted of {since} since the last reload"),
        ]  # fmt: skip
