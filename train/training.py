"""One training run: from a data set to a run folder."""

from __future__ import annotations

import contextlib
import math
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from train.history import Recorder
from train.network import SIZES
from train.progress import Progress
from train.run_folder import RunFolder, fingerprint
from train.runner import Runner
from train.task import DataConfig, DetectionConfig
from train.zoo import resolve_init

Action = Callable[[Mapping[str, Any]], None]

_STEPS_PER_REPORT = 5
_VALIDATIONS = 4


@dataclass(frozen=True)
class Options:
    """What a run can be told.

    `init` is what `zoo.resolve_init` takes: "zoo", "none", or where a checkpoint is. `rate` is the
    highest learning rate, None for the default at this batch; `momentum` that of batch norm's moving
    averages; `validate_every` a number of steps, None for a quarter of them.
    """

    steps: int = 1000
    batch: int = experiment.BATCH
    size: int = 320
    seed: int = 0
    init: str = "zoo"
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

    A run that ends before its first checkpoint leaves no folder. Raises InputError for options that
    do not fit the data, an initial checkpoint of another network, or a folder that is not empty, and
    KitError when the loss stops being a number.
    """
    params = prepare(dataset, out, options)
    with _new_folder(out), _library_output(out.path / "train.log"):
        progress = Progress(lambda: int(runner.trainer.global_step.numpy()), options.steps, options.batch)
        history = Recorder(out.path, lambda: int(runner.trainer.global_step.numpy()), lambda: runner.task)
        runner = build_runner(
            params,
            GroundTruth.from_examples(dataset.validation, dataset.labels),
            out,
            train_actions=[history.trained, stop_when_spoilt, progress],
            eval_actions=[history.validated, lambda _: say(_validation_line(runner))],
        )
        say(str(runner.task.loaded or "starting from random values"))
        out.write_dataset(dataset)
        out.write_config({"data": {"name": dataset.name, "fingerprint": fingerprint(dataset)}, **params.as_dict()})
        began = time.monotonic()
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


def prepare(dataset: Dataset, out: RunFolder, options: Options) -> config_definitions.ExperimentConfig:
    """The experiment of a run into `out`, which stays as it is; records and initial weights are got ready.

    Raises InputError as `train` does.
    """
    _check(dataset, out, options)
    init = resolve_init(options.init, options.size)
    train_files, validation_files = (
        tuple(str(path) for path in records.build(examples, dataset.labels))
        for examples in (dataset.train, dataset.validation)
    )
    return configuration(dataset, options, train_files, validation_files, init)


def build_runner(
    params: config_definitions.ExperimentConfig,
    ground_truth: GroundTruth,
    out: RunFolder,
    train_actions: Sequence[Action] = (),
    eval_actions: Sequence[Action] = (),
) -> Runner:
    """The runner of one run: network built, initial checkpoint loaded, everything drawn by the seed."""
    tf_keras.utils.set_random_seed(params.task.train_data.seed)
    task = task_factory.get_task(params.task, logging_dir=str(out.path))
    task.ground_truth = ground_truth
    runner = Runner(
        distribution_strategy=tf.distribute.get_strategy(),
        task=task,
        mode="train_and_eval",
        params=params,
        model_dir=str(out.path),
        train_actions=list(train_actions),
        eval_actions=list(eval_actions),
    )
    # Where a function makes variables when it is first called, TensorFlow traces it twice: half of
    # the time from start to first step.
    runner.trainer.optimizer._create_all_weights(runner.trainer.model.trainable_variables)
    return runner


def configuration(
    dataset: Dataset,
    options: Options,
    train_files: tuple[str, ...],
    validation_files: tuple[str, ...],
    init: str | None = None,
) -> config_definitions.ExperimentConfig:
    """The Model Garden experiment for `options`; `init` is the prefix of the initial checkpoint."""
    params = exp_factory.get_exp_config(experiment.NAME)
    params.task = DetectionConfig(
        size=options.size,
        classes=len(dataset.labels),
        momentum=options.momentum,
        frozen_statistics=options.frozen_statistics,
        init_checkpoint=init or "",
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
    for name in ("steps", "batch", "validate_every"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise InputError(f"--{name.replace('_', '-')} must be at least 1, not {value}")
    if options.rate is not None and not 0 < options.rate < math.inf:
        raise InputError(f"--rate must be a number above 0, not {options.rate}")
    if options.size not in SIZES:
        raise InputError(f"--size must be {' or '.join(map(str, SIZES))}, not {options.size}")
    if not 0 <= options.seed < 2**32:
        raise InputError(f"--seed must lie between 0 and {2**32 - 1}, not {options.seed}")
    if not 0 <= options.momentum < 1:
        raise InputError(f"--momentum must be at least 0 and below 1, not {options.momentum}")
    if not any(example.boxes for example in dataset.validation):
        raise InputError(
            f"{dataset.name}: not one box in the {len(dataset.validation)} pictures to validate on;"
            " name a data set that has some with --val"
        )
    if out.path.exists() and not (out.path.is_dir() and not any(out.path.iterdir())):
        what = "this folder is not empty" if out.path.is_dir() else "this is a file"
        raise InputError(f"{out.path}: {what}; name a new folder with --out, or remove it")


@contextlib.contextmanager
def _new_folder(out: RunFolder) -> Iterator[None]:
    """Makes the run's folder; removes it, and what was made for it, where no checkpoint came to be."""
    made = [folder for folder in (out.path, *out.path.parents) if not folder.exists()]
    try:
        out.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out.path}: this folder cannot be made: {error.strerror}") from error
    try:
        yield
    except BaseException:
        if not out.has_checkpoint:
            for path in out.path.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            # A parent that has got something else meanwhile stays.
            with contextlib.suppress(OSError):
                for folder in made:
                    folder.rmdir()
        raise


def stop_when_spoilt(output: Mapping[str, Any]) -> None:
    """An Orbit action that ends a run whose weights are lost, instead of training on with them."""
    if not math.isfinite(float(output["training_loss"])):
        raise KitError("the loss is no longer a number; train again with a lower --rate")


def _validation_line(runner: Runner) -> str:
    step = int(runner.trainer.global_step.numpy())
    metrics = runner.task.metrics
    return f"validation at step {step}: AP {metrics['AP']:.4f}  AP50 {metrics['AP50']:.4f}"


@contextlib.contextmanager
def _library_output(log: Path) -> Iterator[None]:
    """Sends what the libraries print to `log`: people see the progress lines instead."""
    with open(log, "a", encoding="utf-8") as stream, contextlib.redirect_stdout(stream):
        yield
