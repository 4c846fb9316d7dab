"""Training of one run: from a data set to a run folder."""

from __future__ import annotations

import dataclasses
import functools
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf
import tf_keras
from official.core import config_definitions, exp_factory, task_factory

from runtime.common.errors import InputError, KitError
from train.augment import epochs
from train.checkpoints import variables
from train.checkpoints.published import has_folded_norms, resolve_init
from train.dataset.dataset import Dataset
from train.evaluation.coco import GroundTruth, Metrics
from train.evaluation.validation import Validation
from train.loggers import Logger
from train.loggers import connect as connected
from train.records import writing
from train.run import earlier_run, resume
from train.run.devices import Devices, connect, precision, runtime_settings
from train.run.history import Recorder
from train.run.options import Options, recorded_tiles
from train.run.progress import Progress
from train.run.run_folder import RunFolder
from train.run.training_errors import as_kit_errors
from train.run.working_directory import library_output, must_be_new, resume_hint, working_directory
from train.training import class_weights, experiment, recipe, schedule
from train.training.qat_task import QuantizedConfig
from train.training.run_loggers import RunLoggers
from train.training.runner import Action, Runner
from train.training.task import DataConfig, DetectionConfig

_STEPS_PER_REPORT = 5
# Number of validations, and steps between the checkpoints of several workers, by default.
_VALIDATIONS = 4
_WORKERS_CHECKPOINT = 100


def print_to_stderr(line: str) -> None:
    """Prints `line` to standard error."""
    print(line, file=sys.stderr, flush=True)


def train(
    dataset: Dataset,
    out: RunFolder,
    options: Options,
    say: Callable[[str], None] = print_to_stderr,
    *,
    resumed: bool = False,
    loggers: Sequence[Logger] = (),
    progress: Callable[[Callable[[], int], int, int], Progress] = Progress,
    bars: bool = True,
) -> Metrics | None:
    """Trains on `dataset`, writes the run folder `out`, and returns the metrics of the best weights.

    Workers other than the chief write nothing and return None. A new run that ends before its first checkpoint leaves
    no folder.

    Args:
      dataset: the data set. For a resumed run, that of `resume.dataset`.
      out: the run folder. It must be new or empty, unless `resumed`.
      options: the options. For a resumed run, those of `resume.settings`.
      say: called with each message for the user.
      resumed: go on from the last checkpoint in `out`, by the recipe in its config.yaml.
      loggers: told what the run does, besides those that `options` name.
      progress: makes what is told each step, of a function for the steps done, the number of all steps and the batch.
      bars: show a progress bar while records are written.

    Raises:
      InputError: options that do not fit the data, a logger that is not installed, an initial checkpoint of another
        network, a folder that is not empty, or a checkpoint of another run.
      KitError: the loss is no longer finite, the disk is full, or another worker is lost.
    """
    options = options.for_images(len(dataset.train))
    if not resumed:
        must_be_new(out)
        options = with_folded_norms(_with_network_of_init(options, say), say)
    loggers = (*connected(options.logger), *loggers)
    devices = connect(options)
    identity = resume.identity(dataset, options)
    first_step = resume.first_step(out, identity) if resumed else 0
    params = prepare(dataset, options, start_anew=not first_step, say=say, bars=bars)
    if resumed:
        recipe.take_over(params, out.config(), str(out.path / "config.yaml"))
    with working_directory(out, chief=devices.chief, resumed=resumed) as folder, as_kit_errors(out, devices.workers):
        if not resumed:
            folder.write_dataset(dataset)
            if options.from_run is not None:
                earlier_run.record(folder, options.from_run)
            folder.write_config({**resume.config_sections(dataset, options), **params.as_dict()})
        with library_output(folder.path / "train.log"):

            def step() -> int:
                return runner.step

            def validation() -> Validation:
                return runner.task.validation

            shown = progress(step, options.steps, options.batch)
            history = Recorder(folder.path, step, validation)
            told = RunLoggers(loggers if devices.chief else (), say, dataset, step, validation)
            runner = build_runner(
                params,
                GroundTruth.from_examples(dataset.validation, dataset.labels),
                folder,
                train_actions=[history.trained, stop_when_not_finite, told.trained, shown],
                eval_actions=[
                    history.validated,
                    lambda _: say(_validation_line(runner)),
                    lambda _: shown.validated(validation().metrics),
                    told.validated,
                ],
                devices=devices,
                patience=options.patience,
                source=out,
                identity=identity,
                first_step=first_step,
            )
            say(_beginning(runner, options))
            with resume_hint(out, say), told.run(folder.config() if devices.chief else {}, folder.path):
                if not runner.step:
                    told.augmented(runner.task, params.task.train_data)
                best = runner.train()
                metrics = {
                    **best.metrics.as_dict(),
                    "step": best.step,
                    "steps": runner.step,
                    "seconds": round(runner.seconds, 1),
                    "images_per_second": round(shown.images_per_second, 2),
                }
                folder.write_metrics(metrics)
                told.ended(metrics)
    return best.metrics if devices.chief else None


def _with_network_of_init(options: Options, say: Callable[[str], None]) -> Options:
    """`options` with the network of the initial checkpoint, where both networks are known under the same name."""
    others = options.network.also
    if not others or options.init in ("zoo", "none"):
        return options
    prefix = resolve_init(options.init, options.network, options.input_size)
    assert prefix is not None
    found = variables.network_of(prefix)
    if found.name not in others:
        return options
    say(f"{prefix}: weights of {found.facts.title}, which is trained as --model {found.name}")
    return dataclasses.replace(options, model=found.name)


def with_folded_norms(options: Options, say: Callable[[str], None]) -> Options:
    """`options` with fixed statistics where the batch norms of the initial weights are folded.

    The norms that are made for such weights leave everything as it is, and the statistics of a batch would not.
    """
    if options.frozen_statistics or not has_folded_norms(options.init, options.network, options.input_size):
        return options
    start, published = options.init, options.network.published_for(options.input_size)
    if start == "zoo" and published is not None:
        start = published.archive
    say(f"{start}: its batch norms are folded into the convolutions; their statistics stay, as with --frozen-statistics")
    return dataclasses.replace(options, frozen_statistics=True)


def prepare(
    dataset: Dataset,
    options: Options,
    *,
    start_anew: bool = True,
    say: Callable[[str], None] = print_to_stderr,
    bars: bool = True,
) -> config_definitions.ExperimentConfig:
    """The experiment of a run. Writes the records to the cache, and with `start_anew` gets the initial weights.

    `say` is called with a message for each of the records in the cache that are removed to make room. With `bars` a
    progress bar is shown while records are written.

    Raises InputError if the options do not fit the data, or if no validation image has a box.
    """
    if not any(example.boxes for example in dataset.validation):
        raise InputError(
            f"{dataset.name}: not one box in the {len(dataset.validation)} images to validate on;"
            " name a data set that has some with --val"
        )
    # An error in this option is told before anything is fetched or written.
    class_weights.from_option(options.class_weights, dataset)
    init = resolve_init(options.init, options.network, options.input_size, mirror=options.init_mirror) if start_anew else None
    train_files, validation_files = (
        tuple(str(path) for path in writing.build(examples, dataset.labels, rehash=options.rehash, progress=bars))
        for examples in (dataset.train, dataset.validation)
    )
    for removed in writing.prune(options.cache_gb * 1e9):
        say(str(removed))
    return configuration(dataset, options, train_files, validation_files, init)


def build_runner(
    params: config_definitions.ExperimentConfig,
    ground_truth: GroundTruth,
    folder: RunFolder,
    train_actions: Sequence[Action] = (),
    eval_actions: Sequence[Action] = (),
    *,
    devices: Devices | None = None,
    patience: int | None = None,
    source: RunFolder | None = None,
    identity: str = "",
    first_step: int = 0,
) -> Runner:
    """The runner of one run, with the network built and all random seeds set.

    Args:
      params: the experiment, from `prepare`.
      ground_truth: the boxes that validation evaluates against.
      folder: the folder to write into.
      train_actions: called with the losses every few steps.
      eval_actions: called with the metrics after every validation.
      devices: devices to train on, by default those of the current distribution strategy.
      patience: number of validations without a better AP after which training stops early.
      source: the run to resume, by default `folder`.
      identity: text that identifies the run in its checkpoints (see `resume.identity`).
      first_step: number of steps that `source` has done.
    """
    tf_keras.utils.set_random_seed(params.task.train_data.seed)
    task = task_factory.get_task(params.task, logging_dir=str(folder.path))
    task.ground_truth = ground_truth
    task.first_step = first_step
    with precision(params.runtime):
        return Runner(
            distribution_strategy=devices.strategy if devices else tf.distribute.get_strategy(),
            task=task,
            mode="train_and_eval",
            params=params,
            model_dir=str(folder.path),
            train_actions=list(train_actions),
            eval_actions=list(eval_actions),
            run=source or folder,
            identity=identity,
            patience=patience,
        )


def configuration(
    dataset: Dataset,
    options: Options,
    train_files: tuple[str, ...],
    validation_files: tuple[str, ...],
    init: str | None = None,
) -> config_definitions.ExperimentConfig:
    """The Model Garden experiment for `options`. `init` is the prefix of the initial checkpoint, if there is one."""
    params = exp_factory.get_exp_config(experiment.NAME)
    defaults = options.network.defaults
    kind: Callable[..., DetectionConfig] = DetectionConfig
    if options.qat:
        kind = functools.partial(QuantizedConfig, float_run=options.qat)
    params.task = kind(
        network=options.model,
        size=options.input_size.recorded,
        tiles=recorded_tiles(options.tiles) or "",
        classes=len(dataset.labels),
        momentum=defaults.momentum if options.momentum is None else options.momentum,
        frozen_statistics=options.frozen_statistics,
        # Trained weights know well enough which point finds which box; random ones need help.
        auxiliary=not options.trained,
        backbone_rate=schedule.backbone_rate(options.backbone_rate, defaults, trained=options.trained),
        head_steps=options.head_steps,
        class_weights=class_weights.from_option(options.class_weights, dataset),
        label_smoothing=options.label_smoothing,
        init_checkpoint=init or "",
        more_classes=options.from_run is not None,
        train_data=DataConfig(
            files=train_files,
            images=len(dataset.train),
            is_training=True,
            global_batch_size=options.batch,
            seed=options.seed,
            photometric=options.photometric,
            mosaic=options.mosaic,
            scale_jitter=options.scale_jitter,
            expand=options.expand,
            hue=options.hue,
            blur=options.blur,
            vflip=options.vflip,
            rotate=options.rotate,
            repeats=_repeats(dataset, options),
            match_iou=options.match_iou,
            best_anchors=options.best_anchors,
        ),
        validation_data=DataConfig(
            files=validation_files,
            images=len(dataset.validation),
            is_training=False,
            global_batch_size=options.batch,
            drop_remainder=False,
        ),
    )
    every = options.validate_every or max(1, -(-options.steps // _VALIDATIONS))
    trainer = params.trainer
    trainer.train_steps = options.steps
    trainer.steps_per_loop = min(_STEPS_PER_REPORT, every, options.checkpoint_every or every)
    trainer.summary_interval = trainer.steps_per_loop
    trainer.validation_interval = every
    # Several workers must write their checkpoints at the same step, so they cannot go by time.
    by_time = options.strategy != "multi_worker"
    trainer.checkpoint_interval = options.checkpoint_every or (0 if by_time else _WORKERS_CHECKPOINT)
    trainer.optimizer_config = schedule.optimizer_config(
        options.steps,
        options.batch,
        options.rate,
        options.average_decay,
        defaults,
        trained=options.trained,
    )
    params.runtime = runtime_settings(options)
    return params


def _repeats(dataset: Dataset, options: Options) -> tuple[float, ...]:
    if not options.oversample:
        return ()
    classes = [[dataset.labels.index(item.label) for item in example.boxes] for example in dataset.train]
    return epochs.repeat_factors(classes, len(dataset.labels), options.oversample)


def _beginning(runner: Runner, options: Options) -> str:
    if runner.step:
        return f"going on after step {runner.step} of {options.steps}"
    return str(runner.task.loaded or "starting from random values")


def stop_when_not_finite(output: Mapping[str, Any]) -> None:
    """An Orbit action that raises KitError if the loss is no longer finite."""
    if not math.isfinite(float(output["training_loss"])):
        raise KitError("the loss is no longer a number; train again with a lower --rate")


def _validation_line(runner: Runner) -> str:
    metrics = runner.task.validation.metrics
    return f"validation at step {runner.step}: AP {metrics['AP']:.4f}  AP50 {metrics['AP50']:.4f}"
