"""One training run: from a data set to a run folder."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
import tf_keras
from official.core import config_definitions, exp_factory, task_factory

from runtime.errors import InputError, KitError
from train import experiment, records
from train.coco import GroundTruth, Metrics
from train.dataset import Dataset
from train.progress import Progress
from train.run_folder import RunFolder, fingerprint
from train.runner import Runner
from train.task import DataConfig, DetectionConfig, DetectionTask

_STEPS_PER_REPORT = 5
_VALIDATIONS = 4


@dataclass(frozen=True)
class Options:
    """What a run can be told.

    `init` is a checkpoint (folder or prefix) or None for random values; `rate` the highest learning
    rate, None for the default at this batch; `validate_every` a number of steps, None for a quarter
    of them.
    """

    steps: int = 1000
    batch: int = experiment.BATCH
    size: int = 320
    seed: int = 0
    init: str | None = None
    rate: float | None = None
    momentum: float = 0.99
    frozen_statistics: bool = False
    photometric: bool = True
    validate_every: int | None = None


def say_on_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def train(
    dataset: Dataset, out: RunFolder, options: Options, say: Callable[[str], None] = say_on_stderr
) -> Metrics:
    """Trains on `dataset` and fills the run folder `out`; returns the figures of the best weights.

    Raises InputError for options that do not fit the data or a folder that holds a run already, and
    KitError when the loss stops being a number.
    """
    _check(dataset, out, options)
    out.path.mkdir(parents=True, exist_ok=True)
    files = {
        name: tuple(str(path) for path in records.build(examples, dataset.labels))
        for name, examples in (("train", dataset.train), ("validation", dataset.validation))
    }
    params = configuration(dataset, options, files["train"], files["validation"])
    out.write_dataset(dataset)
    out.write_config({"data": {"name": dataset.name, "fingerprint": fingerprint(dataset)}, **params.as_dict()})

    tf_keras.utils.set_random_seed(options.seed)
    task = task_factory.get_task(params.task, logging_dir=str(out.path))
    task.ground_truth = GroundTruth.from_examples(dataset.validation, dataset.labels)
    progress = Progress(lambda: int(runner.trainer.global_step.numpy()), options.steps, options.batch)
    runner = Runner(
        distribution_strategy=tf.distribute.get_strategy(),
        task=task,
        mode="train_and_eval",
        params=params,
        model_dir=str(out.path),
        train_actions=[_stop_when_spoilt, progress],
        eval_actions=[lambda _: say(_validation_line(runner, task.metrics))],
    )
    if task.loaded:
        say(str(task.loaded))
    began = time.monotonic()
    with _library_output(out.path / "train.log"):
        runner.run()
    best = runner.trainer.checkpoint_exporter.best
    out.write_metrics(
        {
            **best.metrics.as_dict(),
            "step": best.step,
            "steps": options.steps,
            "seconds": round(time.monotonic() - began, 1),
            "images_per_second": round(progress.images_per_second, 2),
        }
    )
    return best.metrics


def configuration(
    dataset: Dataset, options: Options, train_files: tuple[str, ...], validation_files: tuple[str, ...]
) -> config_definitions.ExperimentConfig:
    """The Model Garden experiment for `options`."""
    params = exp_factory.get_exp_config(experiment.NAME)
    params.task = DetectionConfig(
        size=options.size,
        classes=len(dataset.labels),
        momentum=options.momentum,
        frozen_statistics=options.frozen_statistics,
        init_checkpoint=options.init or "",
        train_data=DataConfig(
            files=train_files,
            is_training=True,
            global_batch_size=options.batch,
            seed=options.seed,
            photometric=options.photometric,
        ),
        validation_data=DataConfig(
            files=validation_files, is_training=False, global_batch_size=options.batch, drop_remainder=False
        ),
    )
    every = options.validate_every or max(1, -(-options.steps // _VALIDATIONS))
    trainer = params.trainer
    trainer.train_steps = options.steps
    trainer.steps_per_loop = min(_STEPS_PER_REPORT, every)
    trainer.summary_interval = trainer.steps_per_loop
    trainer.validation_interval = every
    trainer.checkpoint_interval = every
    trainer.optimizer_config = experiment.schedule(options.steps, options.batch, options.rate)
    params.runtime.distribution_strategy = "off"
    return params


def _check(dataset: Dataset, out: RunFolder, options: Options) -> None:
    for name in ("steps", "batch"):
        if getattr(options, name) < 1:
            raise InputError(f"--{name} must be at least 1, not {getattr(options, name)}")
    if options.batch > len(dataset.train) * options.steps:
        raise InputError(f"--batch {options.batch} is more than {len(dataset.train)} training pictures can fill")
    if out.path.is_dir() and any(out.path.iterdir()):
        raise InputError(f"{out.path}: this folder is not empty; name a new one with --out, or remove it")


def _stop_when_spoilt(output: Mapping[str, Any]) -> None:
    """An Orbit action that ends a run whose weights are lost, instead of training on with them."""
    if not math.isfinite(float(output["training_loss"])):
        raise KitError("the loss is no longer a number; train again with a lower --rate")


def _validation_line(runner: Runner, metrics: Metrics) -> str:
    step = int(runner.trainer.global_step.numpy())
    return f"validation at step {step}: AP {metrics['AP']:.4f}  AP50 {metrics['AP50']:.4f}"


@contextlib.contextmanager
def _library_output(log: Path) -> Iterator[None]:
    """Sends what the libraries print to `log`: people see the progress lines instead."""
    with open(log, "a", encoding="utf-8") as stream, contextlib.redirect_stdout(stream):
        yield
