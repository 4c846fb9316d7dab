"""Progress of training on the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from train.evaluation.coco import Metrics

# Seconds between lines, if the output is not a terminal. On a terminal, one line is updated all the time.
_SECONDS_BETWEEN_LINES = 15.0


class Progress:
    """An Orbit action that prints step, losses, images per second and time left.

    `step` returns the number of steps done, `steps` is the number of all steps. Output goes to `stream`, by default
    standard error.
    """

    def __init__(self, step: Callable[[], int], steps: int, batch: int, stream: TextIO | None = None):
        self._step = step
        self._steps = steps
        self._batch = batch
        self._stream = stream or sys.stderr
        self._began: tuple[float, int] | None = None
        self._printed = time.monotonic()
        self.images_per_second = 0.0

    def __call__(self, output: Mapping[str, Any]) -> None:
        """Prints the losses in `output`."""
        step, now = self._step(), time.monotonic()
        rate = self._rate(step, now)
        finished = step >= self._steps
        live = self._stream.isatty()
        if not (live or finished or now - self._printed > _SECONDS_BETWEEN_LINES):
            return
        self._printed = now
        parts = [f"step {step:>{len(str(self._steps))}}/{self._steps}"]
        loss, classes, boxes = (float(output[name]) for name in ("training_loss", "class_loss", "box_loss"))
        parts += [f"loss {loss:.3f} (classes {classes:.3f}, boxes {boxes:.3f})"]
        if rate:
            parts += [f"{self.images_per_second:.1f} images/s", f"{clock((self._steps - step) / rate)} left"]
        line = "  ".join(parts)
        if live:
            self._stream.write(f"\r\x1b[K{line}" + ("\n" if finished else ""))
        else:
            self._stream.write(line + "\n")
        self._stream.flush()

    def validated(self, metrics: Metrics) -> None:
        """Is told the metrics of each validation. The terminal has a line of its own for them."""

    def _rate(self, step: int, now: float) -> float:
        """Steps per second, which are kept as `images_per_second`; 0 in the first call."""
        # The first call comes after tracing and the first steps, which must not count for the rate.
        if self._began is None:
            self._began = (now, step)
        began, first = self._began
        rate = (step - first) / (now - began) if step > first else 0.0
        self.images_per_second = rate * self._batch
        return rate


def clock(seconds: float) -> str:
    """`seconds` as m:ss, or as h:mm:ss from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
