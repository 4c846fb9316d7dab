"""Trains a detector: from labelled images to a run folder with checkpoints, metrics and a report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runtime.common.command import run, spelling
from runtime.common.command_parser import add_version
from train import loggers
from train.evaluation.coco import Metrics
from train.layers import tensorflow_setup
from train.notebook import job
from train.notebook.job import Job
from train.run import arguments
from train.run.model_list import ListModels
from train.run.options import Options

_EXAMPLES = """\
examples:
  python -m train data --out runs/mine
  python -m train data.zip --out runs/mine --size 640 --epochs 30 --mosaic 0.5
  python -m train data october --from runs/mine --out runs/october
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
    if "from_run" in args and (args.resume is not None or tune):
        parser.error("--from RUN begins a new float run: leave out --resume and --qat; tune the new run afterwards")
    if tune and args.data:
        parser.error("--qat RUN goes on with the images of that run: leave out DATA")
    if args.resume is None and not tune and not (args.data and args.out is not None):
        parser.error("DATA and --out RUN are needed, or --qat RUN, or --resume RUN")
    wanted = _job(args)
    metrics, out = _train(wanted), wanted.out
    if metrics is None:
        return 0
    from train.report import page

    print(metrics.table())
    print(
        f"\nBest weights: {out.checkpoint}"
        f"\nReport with curves, confusion matrix and the images with most errors: {page.write(out)}"
        f"\nTo convert the run: {spelling('convert', 'convert')} --run {out.path} --int8",
        file=sys.stderr,
    )
    return 0


def _job(args: argparse.Namespace) -> Job:
    given = arguments.given(args)
    if args.resume is not None:
        return job.resumed(args.resume, args.data, given)
    if "from_run" in args:
        return job.continued(args.data, args.out, given.pop("from_run"), given)
    return job.tuned(args.qat, args.out, given) if "qat" in args else job.new(args.data, args.out, Options(**given))


def _train(wanted: Job) -> Metrics | None:
    out = wanted.out
    if wanted.resumed and out.has_ended:
        print(f"{out.path}: this run has ended; to train on, start another with --init {out.path}", file=sys.stderr)
        return Metrics.from_dict(out.metrics())
    from train.dataset.summary import describe

    print(describe(wanted.dataset), file=sys.stderr, flush=True)
    tensorflow_setup.prepare()
    from train.training.training import train

    return train(wanted.dataset, out, wanted.options, resumed=wanted.resumed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train",
        description=__doc__,
        usage="%(prog)s DATA [DATA ...] --out RUN [--from RUN0] [options]\n       %(prog)s --qat RUN [--out RUN2] [options]\n"
        "       %(prog)s --resume RUN",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "data", nargs="*", metavar="DATA", help="folder or zip file with labelled images; several are trained on as one"
    )
    parser.add_argument("--models", action=ListModels, default=argparse.SUPPRESS, help="list the networks and what each is for")
    add_version(parser)
    run_group = parser.add_argument_group("run")
    run_group.add_argument("--out", metavar="RUN", help="folder of the run, such as runs/NAME; it must be new or empty")
    run_group.add_argument(
        "--from",
        dest="from_run",
        metavar="RUN",
        default=argparse.SUPPRESS,
        help="go on from a finished run with more data: its network, size, best weights and classes in their order; new classes"
        " come after them, and its validation images are never trained on",
    )
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
        " of 0.001 at batch 8 (nanodet_plus_m: a sixtieth of its own), in proportion to the batch, for all layers (into RUN-qat)",
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
