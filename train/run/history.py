"""How a run went, step by step: `history.jsonl`, one JSON object a line, written while it trains.

    {"step": 5, "seconds": 21.4, "loss": 1.63, "class_loss": 1.05, "box_loss": 0.6, "rate": 0.003}
    {"step": 100, "seconds": 270.2, "AP": 0.31, "AP50": 0.62, ..., "per_class": {"WBC": 0.4, ...}}

Losses are means over the steps since the line before. A run that was ended in the middle of a line
and went on later leaves a line that is no JSON, and steps that come twice; reading knows both.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from train.evaluation import detections

if TYPE_CHECKING:
    from train.training.task import DetectionTask

_LOSSES = {"loss": "training_loss", "class_loss": "class_loss", "box_loss": "box_loss", "rate": "learning_rate"}


class Recorder:
    """Two Orbit actions that write a run's history, and the detections of its best validation.

    `trained` belongs to the training actions, `validated` to those of evaluation. `step` gives the
    number of steps done.
    """

    def __init__(self, folder: str | os.PathLike, step: Callable[[], int], task: Callable[[], DetectionTask]):
        self._folder = Path(folder)
        self._step = step
        self._task = task
        earlier = read(self._folder)
        lines = (*earlier.training, *earlier.validations)
        self._began = time.monotonic() - max((line.get("seconds", 0.0) for line in lines), default=0.0)
        self._best = max((line["AP"] or 0.0 for line in earlier.validations), default=-1.0)

    def trained(self, output: Mapping[str, Any]) -> None:
        self._append({name: float(output[key]) for name, key in _LOSSES.items() if key in output})

    def validated(self, output: Mapping[str, Any]) -> None:
        task = self._task()
        self._append(task.metrics.as_dict())
        # Strictly better, as the best checkpoint is chosen.
        average = task.metrics["AP"] or 0.0
        if average > self._best:
            self._best = average
            detections.write(self._folder, self._step(), task.found)

    def _append(self, values: Mapping[str, Any]) -> None:
        line = {"step": self._step(), "seconds": round(time.monotonic() - self._began, 1), **values}
        path = self._folder / "history.jsonl"
        with path.open("ab+") as file:
            # What an interrupted run left of a line must not spoil this one.
            if file.tell() and not _ends_a_line(file):
                file.write(b"\n")
            file.write(json.dumps({name: _plain(value) for name, value in line.items()}).encode() + b"\n")


@dataclass(frozen=True)
class History:
    """The lines of a run's history: `training` with losses, `validations` with AP, by rising step."""

    training: tuple[dict[str, Any], ...]
    validations: tuple[dict[str, Any], ...]


def read(folder: str | os.PathLike) -> History:
    """The history in a run's folder; empty where there is none. Lines that are not whole are left out."""
    training: list[dict[str, Any]] = []
    validations: list[dict[str, Any]] = []
    for line in _lines(Path(folder) / "history.jsonl"):
        kind, other = (validations, training) if "AP" in line else (training, validations)
        # A run that was resumed does the steps after its last checkpoint again: the later ones count,
        # and what the first attempt did beyond them is no part of the run.
        while kind and kind[-1]["step"] >= line["step"]:
            kind.pop()
        while other and other[-1]["step"] > line["step"]:
            other.pop()
        kind.append(line)
    return History(tuple(training), tuple(validations))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            values = json.loads(line)
        except ValueError:
            continue
        if isinstance(values, dict) and isinstance(values.get("step"), int) and ("AP" in values or "loss" in values):
            yield values


def _ends_a_line(file) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _plain(value: Any) -> Any:
    """JSON has no NaN: a loss that is none any more becomes null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
