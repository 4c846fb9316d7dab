"""Progress of training as a bar, in a notebook or on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from tqdm.auto import tqdm

from train.evaluation.coco import Metrics
from train.run.progress import Progress


class ProgressBar(Progress):
    """A bar of the steps done, with the loss and the AP of the last validation. Close it at the end.

    The arguments are those of `Progress`.
    """

    def __init__(self, step: Callable[[], int], steps: int, batch: int):
        super().__init__(step, steps, batch)
        self._figures: dict[str, str] = {}
        self._bar = tqdm(total=steps, desc="training", unit="step")

    def __call__(self, output: Mapping[str, Any]) -> None:
        """Shows the loss in `output`."""
        step = self._step()
        self._rate(step, time.monotonic())
        self._show("loss", float(output["training_loss"]))
        self._bar.update(step - self._bar.n)

    def validated(self, metrics: Metrics) -> None:
        """Shows AP."""
        self._show("AP", metrics["AP"] or 0.0)

    def close(self) -> None:
        """Leaves the bar as it is."""
        self._bar.close()

    def _show(self, name: str, value: float) -> None:
        self._figures[name] = f"{value:.3f}"
        self._bar.set_postfix(self._figures, refresh=False)


class Unseen(Progress):
    """Shows nothing, and measures how fast training is. The arguments are those of `Progress`."""

    def __call__(self, output: Mapping[str, Any]) -> None:
        """Notes that steps were done."""
        self._rate(self._step(), time.monotonic())
