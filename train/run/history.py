"""`history.jsonl`: losses and metrics of a run step by step, one JSON object per line.

    {"step": 5, "seconds": 21.4, "loss": 1.63, "class_loss": 1.05, "box_loss": 0.6, "rate": 0.003}
    {"step": 100, "seconds": 270.2, "AP": 0.31, "AP50": 0.62, ..., "per_class": {"WBC": 0.4, ...}}

Losses are means over the steps since the previous line. A run that is killed and resumed can leave an incomplete line
and write steps twice; `read` handles both.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from train.evaluation import detections
from train.evaluation.validation import Validation

_LOSSES = {"loss": "training_loss", "class_loss": "class_loss", "box_loss": "box_loss", "rate": "learning_rate"}


class Recorder:
    """Orbit actions that write a run's history, and the detections of its best validation.

    `trained` is an action for training, `validated` one for evaluation. `step` returns the number of steps done,
    and `validation` the result of the last validation.
    """

    def __init__(self, folder: str | os.PathLike[str], step: Callable[[], int], validation: Callable[[], Validation]):
        self._folder = Path(folder)
        self._step = step
        self._validation = validation
        earlier = read(self._folder)
        lines = (*earlier.training, *earlier.validations)
        self._began = time.monotonic() - max((line.get("seconds", 0.0) for line in lines), default=0.0)
        self._best = max((line["AP"] or 0.0 for line in earlier.validations), default=-1.0)

    def trained(self, output: Mapping[str, Any]) -> None:
        """Writes a line with the losses in `output`."""
        self._append(losses(output))

    def validated(self, output: Mapping[str, Any]) -> None:
        """Writes a line with the metrics of the last validation."""
        result = self._validation()
        self._append(result.metrics.as_dict())
        # Strictly better, by the rule that the best checkpoint is selected by.
        average_precision = result.metrics["AP"] or 0.0
        if average_precision > self._best:
            self._best = average_precision
            detections.write(self._folder, self._step(), result.detections)

    def _append(self, values: Mapping[str, Any]) -> None:
        line = {"step": self._step(), "seconds": round(time.monotonic() - self._began, 1), **values}
        path = self._folder / "history.jsonl"
        with path.open("ab+") as file:
            # An incomplete line of an earlier part of the run gets its own line end.
            if file.tell() and not _ends_with_newline(file):
                file.write(b"\n")
            file.write(json.dumps({name: _plain(value) for name, value in line.items()}).encode() + b"\n")


def losses(output: Mapping[str, Any]) -> dict[str, float]:
    """The losses and the learning rate in `output`, which Orbit calls its actions with, by their names here."""
    return {name: float(output[key]) for name, key in _LOSSES.items() if key in output}


@dataclass(frozen=True)
class History:
    """The lines of a run's history, by rising step: `training` with losses, `validations` with metrics."""

    training: tuple[dict[str, Any], ...]
    validations: tuple[dict[str, Any], ...]


def read(folder: str | os.PathLike[str]) -> History:
    """The history in the run folder `folder`; empty if there is none. Incomplete lines are left out."""
    training: list[dict[str, Any]] = []
    validations: list[dict[str, Any]] = []
    for line in _lines(Path(folder) / "history.jsonl"):
        kind, other = (validations, training) if "AP" in line else (training, validations)
        # A resumed run repeats the steps after its last checkpoint. Only the lines of the repetition count.
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


def _ends_with_newline(file: IO[bytes]) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _plain(value: Any) -> Any:
    """`value`, or None if it is a float that JSON cannot represent, such as NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
