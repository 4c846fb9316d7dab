"""What a run tells its loggers, and when."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from runtime.common.errors import InputError
from runtime.common.values import Box, Labels
from train.augment import preview
from train.dataset.dataset import Dataset
from train.dataset.examples import images
from train.dataset.examples.example import LabelledBox
from train.evaluation.drawing import draw
from train.evaluation.validation import Validation
from train.loggers import Logger
from train.run.history import losses
from train.training.task import DataConfig, DetectionTask

# Enough to see what happens, and few enough to be stored at every validation.
_IMAGES = 8


class RunLoggers:
    """Tells several loggers about a run. A logger that raises is left out from then on, and `say` is called.

    `trained` is an Orbit action for training, `validated` one for evaluation.

    Args:
      loggers: the loggers.
      say: called with a message for the user.
      dataset: the run's data set.
      step: returns the number of steps done.
      validation: returns the result of the last validation.
    """

    def __init__(
        self,
        loggers: Sequence[Logger],
        say: Callable[[str], None],
        dataset: Dataset,
        step: Callable[[], int],
        validation: Callable[[], Validation],
    ):
        self._loggers = list(loggers)
        self._say = say
        self._dataset = dataset
        self._step = step
        self._validation = validation
        self._metrics: Mapping[str, Any] | None = None

    @contextlib.contextmanager
    def run(self, config: Mapping[str, Any], folder: Path) -> Iterator[None]:
        """Context manager around a run with the contents `config` of the config.yaml in its `folder`."""
        self._tell(lambda logger: logger.started(config, folder))
        try:
            yield
        finally:
            self._tell(lambda logger: logger.finished(self._metrics))

    def trained(self, output: Mapping[str, Any]) -> None:
        """Passes on the losses in `output`."""
        if self._loggers:
            self._scalars({f"train/{name}": value for name, value in losses(output).items()})

    def validated(self, output: Mapping[str, Any]) -> None:
        """Passes on the metrics of the last validation, and some of its images."""
        if not self._loggers:
            return
        metrics = self._validation().metrics
        # No name continues another: trackers keep them as files in folders.
        by_class = {f"per_class/{name.replace('/', '_')}": value for name, value in metrics.per_class.items()}
        known = {**metrics.figures, **by_class}
        self._scalars({f"validation/{name}": value for name, value in known.items() if value is not None})
        self._images("validation/detections", self._detections)

    def augmented(self, task: DetectionTask, data: DataConfig) -> None:
        """Passes on some training images with their boxes, from an input pipeline of `task` for `data`."""
        if self._loggers:
            self._images("train/augmented", lambda: self._augmented(task, data))

    def ended(self, metrics: Mapping[str, Any]) -> None:
        """Notes the contents of metrics.json, for the end of the run."""
        self._metrics = metrics

    def _scalars(self, values: Mapping[str, float]) -> None:
        step = self._step()
        self._tell(lambda logger: logger.scalars(step, values))

    def _images(self, name: str, make: Callable[[], list[np.ndarray]]) -> None:
        try:
            made = make()
        except InputError as error:
            # An image file that has gone since the start, which training no longer needs.
            self._say(f"no images for loggers: {error}")
            return
        step = self._step()
        self._tell(lambda logger: logger.images(step, name, made))

    def _augmented(self, task: DetectionTask, data: DataConfig) -> list[np.ndarray]:
        samples = preview.samples(task.build_inputs(data), _IMAGES, task.network, task.size)
        return [draw(image, _labelled(boxes, self._dataset.labels)) for image, boxes in samples]

    def _detections(self) -> list[np.ndarray]:
        examples = [example for example in self._dataset.validation if example.boxes]
        chosen = examples[:: max(1, len(examples) // _IMAGES)][:_IMAGES]
        found = self._validation().detections
        return [draw(images.load(one)[:, :, ::-1], one.boxes, found.get(one.id, ())) for one in chosen]

    def _tell(self, call: Callable[[Logger], None]) -> None:
        for logger in tuple(self._loggers):
            try:
                call(logger)
            except Exception as error:
                self._loggers.remove(logger)
                what = " ".join(str(error).split()) or "no message"
                self._say(f"{type(logger).__name__} is left out of the rest of this run: {type(error).__name__}: {what}")


def _labelled(boxes: Sequence[tuple[int, np.ndarray]], labels: Labels) -> list[LabelledBox]:
    return [
        LabelledBox(labels.names[number - 1], Box(float(xmin), float(ymin), float(xmax), float(ymax)))
        for number, (ymin, xmin, ymax, xmax) in boxes
    ]
