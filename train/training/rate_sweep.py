"""The sweep of a learning-rate range test: training steps whose learning rate grows exponentially."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime.common.errors import InputError
from train.dataset.dataset import Dataset
from train.evaluation.coco import GroundTruth
from train.run.options import Options
from train.run.progress import Progress
from train.run.rate_curve import RateCurve
from train.run.run_folder import RunFolder
from train.training import schedule, training
from train.training.runner import Action

# Fewer steps make jumps of the rate that are larger than what the test is to tell.
LEAST_STEPS = 20


class _Ended(Exception):
    """The sweep is over before its last step."""


def sweep(dataset: Dataset, options: Options, low: float, high: float) -> RateCurve:
    """Trains `options.steps` steps on `dataset` with rates from `low` to `high`, and returns the loss at each.

    It ends where the loss diverges. Batches, initial weights, augmentation and losses are those of `options`, and the
    optimizer is that of training, without its schedule. Only the records in the cache are kept.

    Raises InputError as training does, and for rates that do not rise or too few steps.
    """
    if not 0 < low < high < float("inf"):
        raise InputError(f"--low and --high must be rates above 0, --high the higher one, not {low:g} and {high:g}")
    options = options.for_images(len(dataset.train))
    if options.steps < LEAST_STEPS:
        raise InputError(f"--steps must be at least {LEAST_STEPS}, not {options.steps}")
    options = training.with_folded_norms(options, training.print_to_stderr)
    params = training.prepare(dataset, options)
    params.trainer.optimizer_config = schedule.sweep_config(options.steps, low, high, options.network.defaults)
    params.trainer.steps_per_loop = params.trainer.summary_interval = 1
    # No checkpoint is due.
    params.trainer.checkpoint_interval = options.steps + 1
    rates: list[float] = []
    losses: list[float] = []

    def note(output: Mapping[str, Any]) -> None:
        rates.append(low * (high / low) ** (len(rates) / (options.steps - 1)))
        losses.append(float(output["training_loss"]))
        if RateCurve(tuple(rates), tuple(losses), high).diverged:
            raise _Ended

    progress = Progress(lambda: len(rates), options.steps, options.batch)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        _train(params, dataset, Path(folder), options.steps, [note, progress])
    return RateCurve(tuple(rates), tuple(losses), high)


def _train(params: Any, dataset: Dataset, folder: Path, steps: int, actions: list[Action]) -> None:
    truth = GroundTruth.from_examples(dataset.validation, dataset.labels)
    runner = training.build_runner(params, truth, RunFolder(folder / "run"), train_actions=actions)
    with contextlib.suppress(_Ended):
        runner.controller.train(steps, checkpoint_at_completion=False)
