"""Measures COCO AP of a .tflite file, a run or a checkpoint."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from convert.evaluation import images
from convert.evaluation.checkpoints import network_of_checkpoint
from convert.evaluation.evaluate import evaluate_checkpoint, evaluate_file, evaluate_run
from convert.evaluation.images import EvaluationSet
from runtime.common.command import run as run_command
from runtime.common.errors import InputError
from runtime.common.options import positive
from train.run.run_folder import RunFolder, run_of

_EXAMPLES = """examples:
  python -m convert.evaluate runs/NAME/export/detector_int8.tflite     on the run's validation images
  python -m convert.evaluate runs/NAME --part test                     on the test part of its data set
  python -m convert.evaluate detector.tflite DATA                      on another data set
  python -m convert.evaluate detector.tflite --images val2017 --annotations instances_val2017.json
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    arguments = _parser().parse_args(argv)
    target = Path(arguments.target)
    if not target.exists() and not Path(f"{target}.index").exists():
        raise InputError(f"{target}: no such file, run or checkpoint")
    run = run_of(target)
    data = _data(arguments, run)
    progress = sys.stderr.isatty()
    if target.is_file() and target.suffix != ".index":
        metrics = evaluate_file(target, data, labels=arguments.labels, threads=arguments.threads, progress=progress)
    elif run is not None and target.resolve() == run.path.resolve():
        metrics = evaluate_run(run, data, progress=progress)
    else:
        size, labels = network_of_checkpoint(target, run, arguments.size, arguments.labels)
        metrics = evaluate_checkpoint(target, size, labels, data, progress=progress)
    if arguments.json:
        print(json.dumps(metrics.as_dict()))
    else:
        print(f"{target} on {data.about}\n{metrics.table()}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m convert.evaluate",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "target", metavar="FILE_OR_RUN", help="a detection .tflite, the folder of a run, or a checkpoint"
    )
    group = parser.add_argument_group("data to measure on")
    group.add_argument(
        "data", nargs="?", metavar="DATA", help="a labeled data set (default: the validation images of the run)"
    )
    group.add_argument(
        "--part",
        choices=images.PARTS,
        help="part of the data set to measure on (default: of the run's, val; of DATA, all that the run was not trained"
        " on, and without a run its own val, else all)",
    )
    group.add_argument("--format", help="format of the data set (default: recognized from its files)")
    group.add_argument("--images", metavar="DIR", help="folder with the images of --annotations")
    group.add_argument("--annotations", metavar="FILE", help="a COCO JSON file, instead of DATA")
    group = parser.add_argument_group("model")
    group.add_argument("--labels", metavar="FILE", help="class names, if the file or checkpoint has none")
    group.add_argument(
        "--size", type=positive, metavar="PIXELS", help="side of a checkpoint's input (default: that of its run, else 320)"
    )
    group.add_argument(
        "--threads", type=positive, default=2, metavar="N", help="threads of the interpreter (default: 2)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _data(arguments: argparse.Namespace, run: RunFolder | None) -> EvaluationSet:
    if bool(arguments.images) != bool(arguments.annotations):
        raise InputError("--images and --annotations go together")
    if arguments.annotations:
        if arguments.part:
            raise InputError("--part is for a data set; leave it out with --images and --annotations")
        if arguments.data:
            raise InputError("give either DATA or --images and --annotations")
        return images.of_coco(arguments.images, arguments.annotations)
    if arguments.data:
        return images.of_dataset(arguments.data, run, arguments.format, arguments.part)
    if run is None:
        raise InputError(f"{arguments.target} belongs to no run; name the data to measure it on")
    return images.of_run(run, arguments.part or "val")


if __name__ == "__main__":
    run_command(main)
