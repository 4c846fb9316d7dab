"""Measures the speed of training: the bare training step, the whole loop, and the input pipeline.

The bare step trains on one batch in memory. The loop is that of `python -m train`, with input pipeline, Model Garden's
task and trainer, and Orbit. Both are timed in interleaved rounds; all results are in images per second. Without DATA,
images are generated.
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
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from runtime.common.command import run
from runtime.common.errors import InputError
from runtime.common.tables import columns
from train.dataset.dataset import Dataset, open_dataset
from train.geometry.size import InputSize
from train.layers import tensorflow_setup
from train.records import bench
from train.run import arguments
from train.run.options import Options, check

ROUNDS = 4
# The input pipeline prefetches batches. Steps that use batches prefetched in a pause are not timed, and the bare step
# is timed only after the prefetching that follows the loop has ended.
_PREFETCHED_STEPS = 5
_PREFETCH_SECONDS = 2.0
_GENERATED = 64

_EXAMPLES = """\
examples:
  python -m train.bench
  python -m train.bench data --size 640 --mosaic 0.5
  python -m train.bench data --records
"""


@dataclass(frozen=True)
class Speeds:
    """Images per second, as medians over the rounds. `ratio` is the median of the ratios loop / bare step."""

    bare_step: float
    training_loop: float
    ratio: float
    input_pipeline: float

    def table(self) -> str:
        """The speeds as a table of aligned columns."""
        rows = (
            ("bare step", f"{self.bare_step:.2f}", "images/s"),
            ("training loop", f"{self.training_loop:.2f}", "images/s"),
            ("loop / bare step", f"{self.ratio:.3f}"),
            ("input pipeline", f"{self.input_pipeline:.2f}", "images/s"),
        )
        return columns(rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command with the arguments `argv`, by default those of the process. Returns the exit code."""
    args = _parser().parse_args(argv)
    options = Options(**arguments.given(args))
    check(options)
    with contextlib.ExitStack() as stack:
        data = args.data
        if data is None:
            data = _generated(Path(stack.enter_context(tempfile.TemporaryDirectory())), options.input_size)
        dataset = open_dataset(data)
        if args.records:
            rates = bench.measure(data, dataset)
            print(json.dumps({**asdict(rates), "data": args.data}) if args.json else rates.table())
            return 0
        tensorflow_setup.prepare()
        speeds = measure(dataset, options)
    if args.json:
        print(json.dumps({**asdict(speeds), "data": args.data, **arguments.given(args)}))
    else:
        print(speeds.table())
    return 0


def measure(dataset: Dataset, options: Options, rounds: int = ROUNDS) -> Speeds:
    """Times `options.steps` steps of each kind on `dataset`, in `rounds` interleaved rounds.

    Only the records in the cache are kept. Raises InputError as training does, and for fewer steps than rounds.
    """
    if options.steps < rounds:
        raise InputError(f"--steps must be at least {rounds}, one for each round, not {options.steps}")
    steps_per_round = options.steps // rounds
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        steps = rounds * (steps_per_round + _PREFETCHED_STEPS)
        bare, loop, pipeline = _timed_functions(dataset, options, Path(folder) / "run", steps)
        pairs = []
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
            # Not timed: the first calls trace the functions.
            loop(_PREFETCHED_STEPS)
            loop_rate = _rate(loop, steps_per_round, options.batch)
            bare(1)
            time.sleep(_PREFETCH_SECONDS)
            pairs.append((_rate(bare, steps_per_round, options.batch), loop_rate))
        pipeline(_PREFETCHED_STEPS)
        pipeline_rate = _rate(pipeline, options.steps, options.batch)
    bare_rates, loop_rates = zip(*pairs)
    ratio = statistics.median(loop_rate / bare_rate for bare_rate, loop_rate in pairs)
    return Speeds(statistics.median(bare_rates), statistics.median(loop_rates), ratio, pipeline_rate)


def _timed_functions(
    dataset: Dataset, options: Options, out: Path, steps: int
) -> tuple[Callable[[int], None], Callable[[int], None], Callable[[int], None]]:
    """Three functions that do a number of steps: of bare training, of the loop, and of the input pipeline."""
    import tensorflow as tf

    from train.evaluation.coco import GroundTruth
    from train.run.progress import Progress
    from train.run.run_folder import RunFolder
    from train.training import training

    params = training.prepare(dataset, options)
    params.trainer.checkpoint_interval = steps + 1
    ground_truth = GroundTruth.from_examples(dataset.validation, dataset.labels)
    progress = Progress(lambda: int(trainer.global_step), steps, options.batch, io.StringIO())
    runner = training.build_runner(params, ground_truth, RunFolder(out), [training.stop_when_not_finite, progress])
    task, trainer, controller = runner.task, runner.trainer, runner.controller
    model = trainer.model

    batches = iter(task.build_inputs(params.task.train_data))
    images, targets = next(batches)
    step = tf.function(lambda: task.train_step((images, targets), model, trainer.optimizer))

    def bare(count: int) -> None:
        for _ in range(count):
            loss = step()[task.loss]
        # Wait for the last step: a GPU runs the steps asynchronously.
        loss.numpy()

    def loop(count: int) -> None:
        controller.train(int(trainer.global_step) + count, checkpoint_at_completion=False)

    def pipeline(count: int) -> None:
        for _ in range(count):
            next(batches)

    return bare, loop, pipeline


def _rate(steps: Callable[[int], None], count: int, batch: int) -> float:
    began = time.perf_counter()
    steps(count)
    return count * batch / (time.perf_counter() - began)


def _generated(folder: Path, size: InputSize) -> Path:
    from train.sample_data import generation

    generation.draw_dataset(folder / "data", images=_GENERATED, size=(size.width + size.width // 4, size.height))
    return folder / "data"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.bench",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "data", nargs="?", metavar="DATA", help="folder or zip file with labelled images (generated ones)"
    )
    measured = parser.add_argument_group("what is measured")
    measured.add_argument(
        "--records",
        action="store_true",
        help="measure the writing of TFRecord files instead, beside reading and hashing the images on all cores",
    )
    measured.add_argument(
        "--steps", type=int, default=40, metavar="N", help=f"steps of each kind, in {ROUNDS} interleaved rounds (40)"
    )
    training = parser.add_argument_group("training")
    arguments.add_model(training)
    training.add_argument("--batch", type=int, default=8, metavar="N", help="images per step (8)")
    training.add_argument(
        "--init", default="none", metavar="WHAT", help="initial weights, as for python -m train (none)"
    )
    arguments.add_precision(training)
    arguments.add_images(parser.add_argument_group("augmentation"))
    parser.add_argument_group("output").add_argument("--json", action="store_true", help="print one JSON object")
    return parser


if __name__ == "__main__":
    run(main)
