"""`python -m train.bench [DATA]`: what the training loop costs beside the bare training step.

Prints images a second of the step alone on one batch in memory, of the whole loop as
`python -m train` runs it (input pipeline, Model Garden's task and trainer, Orbit), their ratio, and
of the input pipeline alone. Without DATA, images are generated. With --records: how fast records are
written, beside how fast one process a core can read and hash the images.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from runtime.common.command import run
from runtime.common.errors import InputError
from runtime.common.tables import columns
from train.dataset.dataset import Dataset, open_dataset
from train.models import tensorflow_setup
from train.records import bench
from train.run import arguments
from train.run.options import Options, check

ROUNDS = 4
# The input pipeline works ahead. What it has in store at the end of a pause would flatter the loop,
# and what it does right after the loop stops would slow the bare step: both are left out.
_STEPS_OF_STORE = 5
_SECONDS_TO_STORE = 2.0
_GENERATED = 64


@dataclass(frozen=True)
class Speeds:
    """Images a second, medians over the rounds; `ratio` is the median of the rounds' own ratios."""

    bare_step: float
    training_loop: float
    ratio: float
    input_pipeline: float

    def table(self) -> str:
        rows = (
            ("bare step", f"{self.bare_step:.2f}", "images/s"),
            ("training loop", f"{self.training_loop:.2f}", "images/s"),
            ("loop / bare step", f"{self.ratio:.3f}"),
            ("input pipeline", f"{self.input_pipeline:.2f}", "images/s"),
        )
        return columns(rows)


def main(argv: Sequence[str] | None = None) -> int:
    told = _parser().parse_args(argv)
    with contextlib.ExitStack() as stack:
        data = told.data
        if data is None:
            data = _generated(Path(stack.enter_context(tempfile.TemporaryDirectory())), told.size)
        dataset = open_dataset(data)
        if told.records:
            rates = bench.measure(data, dataset)
            print(json.dumps({**asdict(rates), "data": told.data}) if told.json else rates.table())
            return 0
        tensorflow_setup.prepare()
        options = Options(**arguments.given(told))
        check(options)
        speeds = measure(dataset, options)
    if told.json:
        print(json.dumps({**asdict(speeds), "data": told.data, **arguments.given(told)}))
    else:
        print(speeds.table())
    return 0


def measure(dataset: Dataset, options: Options, rounds: int = ROUNDS) -> Speeds:
    """Times `options.steps` steps each way on `dataset`, by turns in `rounds` rounds.

    Nothing is kept but the records in the cache. Raises InputError as training does, and where there
    is not a step for each round.
    """
    if options.steps < rounds:
        raise InputError(f"--steps must be at least {rounds}, one for each round, not {options.steps}")
    a_round = options.steps // rounds
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        bare, loop, pipeline = _ways(dataset, options, Path(folder) / "run", rounds * (a_round + _STEPS_OF_STORE))
        pairs = []
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
            # The first calls trace, so that the first round begins with what the others need, too.
            loop(_STEPS_OF_STORE)
            looped = _rate(loop, a_round, options.batch)
            bare(1)
            time.sleep(_SECONDS_TO_STORE)
            pairs.append((_rate(bare, a_round, options.batch), looped))
        pipeline(_STEPS_OF_STORE)
        alone = _rate(pipeline, options.steps, options.batch)
    bares, loops = zip(*pairs)
    ratio = statistics.median(looped / bared for bared, looped in pairs)
    return Speeds(statistics.median(bares), statistics.median(loops), ratio, alone)


def _ways(dataset: Dataset, options: Options, out: Path, steps: int) -> Iterator[Callable[[int], None]]:
    """Three functions that do a number of steps: the bare one, the loop's, the input pipeline's."""
    import tensorflow as tf

    from train.evaluation.coco import GroundTruth
    from train.run.progress import Progress
    from train.run.run_folder import RunFolder
    from train.training import training

    params = training.prepare(dataset, options)
    params.trainer.checkpoint_interval = steps + 1
    ground_truth = GroundTruth.from_examples(dataset.validation, dataset.labels)
    progress = Progress(lambda: int(trainer.global_step), steps, options.batch, io.StringIO())
    runner = training.build_runner(params, ground_truth, RunFolder(out), [training.stop_when_spoilt, progress])
    task, trainer, controller = runner.task, runner.trainer, runner.controller

    batches = iter(task.build_inputs(params.task.train_data))
    images, targets = next(batches)
    step = tf.function(lambda: task.train_step((images, targets), trainer.model, trainer.optimizer))

    def bare(count: int) -> None:
        for _ in range(count):
            loss = step()[task.loss]
        # Waits for the last step where steps run on a device of their own.
        loss.numpy()

    def loop(count: int) -> None:
        controller.train(int(trainer.global_step) + count, checkpoint_at_completion=False)

    def pipeline(count: int) -> None:
        for _ in range(count):
            next(batches)

    return iter((bare, loop, pipeline))


def _rate(steps: Callable[[int], None], count: int, batch: int) -> float:
    began = time.perf_counter()
    steps(count)
    return count * batch / (time.perf_counter() - began)


def _generated(folder: Path, size: int) -> Path:
    from train.sample_data import generation

    generation.draw_dataset(folder / "data", images=_GENERATED, size=(size + size // 4, size))
    return folder / "data"


def _parser() -> argparse.ArgumentParser:
    summary, _, details = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(prog="python -m train.bench", description=summary, epilog=details)
    parser.add_argument("data", nargs="?", metavar="DATA", help="folder or zip file with labelled images (generated ones)")
    parser.add_argument("--size", type=int, choices=(320, 640), default=320, help="side of the network's input (320)")
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="images a step (8)")
    parser.add_argument("--steps", type=int, default=40, metavar="N", help=f"steps timed each way, in {ROUNDS} rounds (40)")
    parser.add_argument("--init", default="none", metavar="WHAT", help="initial weights, as for training (none)")
    arguments.add_images(parser.add_argument_group("images"))
    arguments.add_precision(parser)
    parser.add_argument("--records", action="store_true", help="time the writing of records, not the training")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


if __name__ == "__main__":
    run(main)
