"""Trains a detector: from labelled images to a run folder with checkpoints, metrics and a report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from runtime.common.command import run
from train import loggers
from train.dataset.dataset import Dataset
from train.evaluation.coco import Metrics
from train.models import tensorflow_setup
from train.run import arguments
from train.run.options import Options
from train.run.run_folder import RunFolder, open_run

_EXAMPLES = """\
examples:
  python -m train data --out runs/mine
  python -m train data.zip --out runs/mine --size 640 --epochs 30 --mosaic 0.5
  python -m train --resume runs/mine
  python -m train --qat runs/mine
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command with the arguments `argv`, by default those of the process. Returns the exit code."""
    parser = _parser()
    args = parser.parse_args(argv)
    tune = "qat" in args
    if args.resume is not None and (args.out is not None or tune):
        parser.error("--resume RUN goes on in that run's folder, with its settings: leave out --out and --qat")
    if tune and args.data is not None:
        parser.error("--qat RUN goes on with the images of that run: leave out DATA")
    if args.resume is None and not tune and (args.data is None or args.out is None):
        parser.error("DATA and --out RUN are needed, or --qat RUN, or --resume RUN")
    metrics, out = (_resume if args.resume is not None else _tune if tune else _start)(args)
    if metrics is None:
        return 0
    from train.report import page

    print(metrics.table())
    print(
        f"\nBest weights: {out.checkpoint}"
        f"\nReport with curves, confusion matrix and the images with most errors: {page.write(out)}"
        f"\nTo convert the run: python -m convert --run {out.path} --int8",
        file=sys.stderr,
    )
    return 0


def _start(args: argparse.Namespace) -> tuple[Metrics | None, RunFolder]:
    options = Options(**arguments.given(args))
    out = RunFolder(Path(args.out))
    return _train(options.open(args.data), out, options, resumed=False), out


def _tune(args: argparse.Namespace) -> tuple[Metrics | None, RunFolder]:
    from train.training import qat

    float_run = qat.open_float(args.qat)
    options = qat.options(float_run, arguments.given(args))
    out = RunFolder(Path(args.out)) if args.out else qat.default_out(float_run)
    return _train(float_run.dataset(), out, options, resumed=False), out


def _resume(args: argparse.Namespace) -> tuple[Metrics | None, RunFolder]:
    from train.run import resume

    out = open_run(args.resume)
    options = resume.settings(out, arguments.given(args))
    dataset = resume.dataset(out, options, args.data)
    if out.has_ended:
        print(f"{out.path}: this run has ended; to train on, start another with --init {out.path}", file=sys.stderr)
        return Metrics.from_dict(out.metrics()), out
    return _train(dataset, out, options, resumed=True), out


def _train(dataset: Dataset, out: RunFolder, options: Options, resumed: bool) -> Metrics | None:
    from train.dataset.summary import describe

    print(describe(dataset), file=sys.stderr, flush=True)
    tensorflow_setup.prepare()
    from train.training.training import train

    return train(dataset, out, options, resumed=resumed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train",
        description=__doc__,
        usage="%(prog)s DATA --out RUN [options]\n       %(prog)s --qat RUN [--out RUN2] [options]\n"
        "       %(prog)s --resume RUN",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", nargs="?", metavar="DATA", help="folder or zip file with labelled images")
    run_group = parser.add_argument_group("run")
    run_group.add_argument("--out", metavar="RUN", help="folder of the run, such as runs/NAME; it must be new or empty")
    run_group.add_argument(
        "--resume",
        metavar="RUN",
        help="resume an interrupted run from its last checkpoint, with its own settings; DATA is only needed if the"
        " images have moved",
    )
    run_group.add_argument(
        "--qat",
        metavar="RUN",
        default=argparse.SUPPRESS,
        help="quantization-aware training: fine-tune a finished run for int8, with its images, and with its batch, seed,"
        " augmentation, oversampling, class weights, label smoothing, matching and --ema unless they are given, for 200 steps with a highest learning rate"
        " of 0.001 at batch 8, in proportion to the batch, for all layers (into RUN-qat)",
    )
    run_group.add_argument(
        "--logger",
        metavar="NAMES",
        default=argparse.SUPPRESS,
        help="tell the run's settings, figures and images to others too, separated by commas:"
        f" {', '.join(loggers.names())} (none)",
    )
    arguments.add(parser)
    return parser


if __name__ == "__main__":
    run(main)
