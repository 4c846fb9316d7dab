"""Quantization-aware training as a Model Garden task.

It starts from a finished float run and uses the same images. Batch norm is folded into the convolutions, with fixed
statistics. Kernels and tensors are rounded where conversion rounds them, so that the network that is trained is the
network that is converted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from official.core import task_factory

from runtime.boxes.tiles import Tiles
from train.dataset.examples import images
from train.dataset.examples.example import Example
from train.layers.keras_types import Model
from train.quantization import calibration, fake_quantization, quantization
from train.quantization.quantization import Quantization
from train.run.run_folder import RunFolder, open_run
from train.training.task import DetectionConfig, DetectionTask

# Logit of the background column, which the folded graph does not have. At this value it has no loss and no gradient.
_NO_BACKGROUND = -100.0


@dataclasses.dataclass
class QuantizedConfig(DetectionConfig):
    """Quantization-aware training of the detector from the float run in the folder `float_run`."""

    float_run: str = ""


@task_factory.register_task_cls(QuantizedConfig)
class QuantizedTask(DetectionTask):
    """The detection task with fake quantization. The quantization is also written to the run folder."""

    # The calibrated network may already be the best: it is validated before the first step.
    validate_first = True
    quantization: Quantization | None = None

    @property
    def task_config(self) -> QuantizedConfig:
        """The settings of the task."""
        config = super().task_config
        assert isinstance(config, QuantizedConfig)
        return config

    def initialize(self, model: Model) -> None:
        """Loads the weights of the float run and calibrates the network on its images."""
        super().initialize(model)
        self.quantization = calibrated(model, open_run(self.task_config.float_run))
        self.quantization.write(self._run.quantization_file)

    def outputs(self, model: Model, images: tf.Tensor, training: bool) -> tuple[tf.Tensor, ...]:
        """Box codes and class logits with fake quantization; a background column is constant."""
        if self.quantization is None:
            # A resumed run restores its weights from a checkpoint and is not initialized.
            self.quantization = quantization.read(self._run.quantization_file)
        codes_by_level, logits_by_level = fake_quantization.run(self.network.fold(model), self.quantization, images)
        codes, logits = tf.concat(codes_by_level, axis=1), tf.concat(logits_by_level, axis=1)
        return codes, tf.pad(logits, [[0, 0], [0, 0], [self.network.background, 0]], constant_values=_NO_BACKGROUND)

    @property
    def _run(self) -> RunFolder:
        return RunFolder(Path(self.logging_dir))


@dataclasses.dataclass(frozen=True)
class _Window:
    """A window of a training image, of its tiles; the image where there are none."""

    id: str
    example: Example
    tiles: Tiles | None
    number: int = 0

    def load(self) -> np.ndarray:
        """The window, uint8 [height, width, 3] in BGR."""
        image = images.load(self.example)
        return image if self.tiles is None else self.tiles.windows(image.shape[1], image.shape[0])[self.number].of(image)


def _windows(examples: Sequence[Example], tiles: Tiles | None) -> list[_Window]:
    """All windows of the images, by the same ids as in conversion, which chooses the same ones then."""
    if tiles is None:
        return [_Window(example.id, example, None) for example in examples]
    return [
        _Window(f"{example.id}/{number}", example, tiles, number) for example in examples for number in range(tiles.count)
    ]


def calibrated(model: Model, run: RunFolder) -> Quantization:
    """The quantization of `model`, the network of `run`, as `python -m convert` would calibrate it."""
    chosen = calibration.choose(_windows(run.dataset().train, run.tiles()))
    loads = [window.load for window in chosen]
    graph = model.network.fold(model).frozen()
    return calibration.calibrate(graph, calibration.images(loads, graph.size))
