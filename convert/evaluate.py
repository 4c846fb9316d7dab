"""Measures COCO AP of a .tflite file, a run or a checkpoint."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from convert.evaluation import images
from convert.evaluation.evaluate import evaluate_checkpoint, evaluate_file, evaluate_run
from convert.evaluation.images import EvaluationSet
from convert.evaluation.labels import of_checkpoint
from runtime.common.command import run as run_command
from runtime.common.errors import InputError
from runtime.common.options import positive
from train.run.run_folder import RunFolder

_EXAMPLES = """examples:
  python -m convert.evaluate runs/NAME/export/detector_int8.tflite     on the run's validation images
  python -m convert.evaluate detector.tflite DATA                      on another data set
  python -m convert.evaluate detector.tflite --images val2017 --annotations instances_val2017.json
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    arguments = _parser().parse_args(argv)
    target = Path(arguments.target)
    if not target.exists() and not Path(f"{target}.index").exists():
        raise InputError(f"{target}: no such file, run or checkpoint")
    run = _run_of(target)
    data = _data(arguments, run)
    progress = sys.stderr.isatty()
    if target.is_file() and target.suffix != ".index":
        metrics = evaluate_file(target, data, labels=arguments.labels, threads=arguments.threads, progress=progress)
    elif run is not None and target.resolve() == run.path.resolve():
        metrics = evaluate_run(run, data, progress=progress)
    else:
        labels = of_checkpoint(target, arguments.labels)
        metrics = evaluate_checkpoint(target, arguments.size, labels, data, progress=progress)
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
    group.add_argument("--format", help="format of the data set (default: recognized from its files)")
    group.add_argument("--images", metavar="DIR", help="folder with the images of --annotations")
    group.add_argument("--annotations", metavar="FILE", help="a COCO JSON file, instead of DATA")
    group = parser.add_argument_group("model")
    group.add_argument("--labels", metavar="FILE", help="class names, if the file or checkpoint has none")
    group.add_argument(
        "--size", type=positive, default=320, metavar="PIXELS", help="side of a checkpoint's input (default: 320)"
    )
    group.add_argument(
        "--threads", type=positive, default=2, metavar="N", help="threads of the interpreter (default: 2)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _run_of(target: Path) -> RunFolder | None:
    """The run that `target` is, or the run in whose export folder it lies."""
    for folder in (target, target.parent.parent):
        if (folder / "dataset.json").is_file():
            return RunFolder(folder)
    return None


def _data(arguments: argparse.Namespace, run: RunFolder | None) -> EvaluationSet:
    if bool(arguments.images) != bool(arguments.annotations):
        raise InputError("--images and --annotations go together")
    if arguments.annotations:
        if arguments.data:
            raise InputError("give either DATA or --images and --annotations")
        return images.of_coco(arguments.images, arguments.annotations)
    if arguments.data:
        return images.of_dataset(arguments.data, run, arguments.format)
    if run is None:
        raise InputError(f"{arguments.target} belongs to no run; name the data to measure it on")
    return images.of_run(run)


if __name__ == "__main__":
    run_command(main)
