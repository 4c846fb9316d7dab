"""Quantization-aware training: the detector as int8 computes it, as a Model Garden task.

It starts from a finished float run and goes on with the same images. Batch norm is folded into the
convolutions, its statistics stay as they are, and kernels and tensors are rounded exactly where
conversion rounds them: what is trained is the graph that is converted.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import tensorflow as tf
from official.core import task_factory

from train.dataset.examples import images
from train.models.folding import fold
from train.models.ssd_mobilenet_v2_fpnlite import Detector
from train.quantization import calibration, fake_quantization
from train.quantization.quantization import SCORE_RANGE, Quantization
from train.run.run_folder import RunFolder, open_run
from train.training.task import DetectionConfig, DetectionTask

# Nothing reads column 0 after training, and the folded graph lacks it: a background that is certainly
# none has neither loss nor gradient.
_NO_BACKGROUND = -100.0


@dataclasses.dataclass
class QuantizedConfig(DetectionConfig):
    """The detector, trained as int8 computes it from the float run in the folder `float_run`."""

    float_run: str = ""


@task_factory.register_task_cls(QuantizedConfig)
class QuantizedTask(DetectionTask):
    """The detection task on the fake-quantized network; `quantization` lies in the run's folder too."""

    # Ranges by calibration alone: training that does no better leaves them as the best there is.
    validate_first = True
    quantization: Quantization | None = None

    def initialize(self, model: Detector) -> None:
        super().initialize(model)
        self.quantization = calibrated(model, open_run(self.task_config.float_run))
        self.quantization.write(self._run.quantization_file)

    def outputs(self, model: Detector, images: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        if self.quantization is None:
            # A run that is resumed takes its weights from a checkpoint and is not initialised.
            self.quantization = self._run.quantization()
        codes, logits = fake_quantization.run(fold(model), self.quantization, images)
        codes, logits = tf.concat(codes, axis=1), tf.concat(logits, axis=1)
        if not training:
            logits = _as_steps(logits)
        return codes, tf.pad(logits, [[0, 0], [0, 0], [1, 0]], constant_values=_NO_BACKGROUND)

    @property
    def _run(self) -> RunFolder:
        return RunFolder(Path(self.logging_dir))


def _as_steps(logits: tf.Tensor) -> tf.Tensor:
    """The logits of the scores that the file gives, which are whole 256ths."""
    scores = fake_quantization.activation(tf.sigmoid(logits), SCORE_RANGE)
    return tf.math.log(scores) - tf.math.log1p(-scores)


def calibrated(model: Detector, run: RunFolder) -> Quantization:
    """What `python -m convert` would quantize `model`, the network of `run`, with."""
    chosen = calibration.choose(run.dataset().train)
    loads = [lambda example=example: images.load(example) for example in chosen]
    return calibration.calibrate(fold(model).frozen(), calibration.images(loads, model.size))
