"""Measures COCO AP of a .tflite file, a run or a checkpoint."""

from __future__ import annotations

import argparse
import inspect
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from convert.evaluation import images as image_sets
from convert.evaluation.checkpoints import network_of_checkpoint
from convert.evaluation.evaluate import evaluate_checkpoint, evaluate_file, evaluate_run
from convert.evaluation.images import EvaluationSet
from convert.evaluation.targets import checkpoint_at, is_tflite
from convert.notebook.results import Evaluation
from runtime.boxes.tiles import Tiles, or_none, tiles_or_none
from runtime.common.command import run as run_command
from runtime.common.errors import InputError
from runtime.common.options import positive
from runtime.model import trained_tiles
from runtime.model.tflite import Model
from train.files import progress_bars
from train.run.run_folder import RunFolder, run_of

PathLike = str | os.PathLike[str]

_EXAMPLES = """examples:
  python -m convert.evaluate runs/NAME/export/detector_int8.tflite     on the run's validation images
  python -m convert.evaluate runs/NAME --part test                     on the test part of its data set
  python -m convert.evaluate detector.tflite DATA                      on another data set
  python -m convert.evaluate detector.tflite --images val2017 --annotations instances_val2017.json
"""


def evaluate(
    target: PathLike,
    data: PathLike | None = None,
    *,
    part: str | None = None,
    format: str | None = None,
    images: PathLike | None = None,
    annotations: PathLike | None = None,
    labels: PathLike | None = None,
    size: str | int | None = None,
    tiles: Tiles | str | None = None,
    threads: int = 2,
    progress: bool | None = None,
) -> Evaluation:
    """Measures COCO AP of a .tflite file, a run or a checkpoint, as `python -m convert.evaluate` does.

        evaluate(files["int8"]).ap
        evaluate("detector.tflite", "data")

    Args:
      target: a detection .tflite, the folder of a run, or a checkpoint: also an archive of one, or a file of another
        framework that `train` takes weights from.
      data: a labelled data set, by default the validation images of the run that `target` belongs to.
      part: part of the data set to measure on: "train", "val" or "test".
      format: format of the data set, by default detected.
      images: folder with the images of `annotations`.
      annotations: a COCO JSON file, in place of `data`.
      labels: file of class names, if the file or checkpoint has none.
      size: size of a checkpoint's input.
      tiles: the tiles that images are cut into, "none" for whole images; by default what the target was trained on.
      threads: threads of the interpreter.
      progress: show a bar, by default in notebooks and on terminals.

    Raises:
      InputError: the target or the data cannot be read, or the arguments do not go together.
    """
    path = Path(target)
    if not path.exists() and not Path(f"{path}.index").exists():
        raise InputError(f"{path}: no such file, run or checkpoint")
    if part is not None and part not in image_sets.PARTS:
        raise InputError(f"part {part!r}: give one of {', '.join(image_sets.PARTS)}")
    run = run_of(path)
    whole = run if run is not None and path.resolve() == run.path.resolve() else None
    is_file = is_tflite(path)
    if size and (whole or is_file):
        instead = f"name the run's checkpoint, {whole.best}" if whole else "leave it out"
        raise InputError(f"--size {size}: {path} has a size of its own; {instead}")
    if labels and whole:
        raise InputError(f"--labels: {path} is a run, which has its own names; leave it out")
    if format and not data:
        raise InputError("--format is that of DATA; leave it out, or name the data to measure on")
    # A file that is nothing of the kind is refused before the data is read.
    checkpoint = path if is_file or whole else checkpoint_at(path)
    chosen = _data(path, run, data, part, format, images, annotations).through(_tiles(path, run, is_file, tiles))
    shown = progress_bars.visible() if progress is None else progress
    if is_file:
        metrics = evaluate_file(path, chosen, labels=labels, threads=threads, progress=shown)
    elif whole:
        metrics = evaluate_run(whole, chosen, progress=shown)
    else:
        # What was unpacked has a network of its own, wherever the file lies.
        around = run if checkpoint == path else None
        input_size, names = network_of_checkpoint(checkpoint, around, str(size) if size else None, labels)
        metrics = evaluate_checkpoint(checkpoint, input_size, names, chosen, progress=shown)
    return Evaluation(str(path), chosen.about, metrics)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    arguments = vars(_parser().parse_args(argv))
    as_json = arguments.pop("json")
    found = evaluate(**arguments, progress=sys.stderr.isatty())
    if as_json:
        print(json.dumps(found.metrics.as_dict()))
    else:
        print(f"{found.target} on {found.about}\n{found.metrics.table()}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m convert.evaluate",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "target",
        metavar="FILE_OR_RUN",
        help="a detection .tflite, the folder of a run, or a checkpoint, also in an archive or a file of another framework",
    )
    group = parser.add_argument_group("data to measure on")
    group.add_argument(
        "data", nargs="?", metavar="DATA", help="a labeled data set (default: the validation images of the run)"
    )
    group.add_argument(
        "--part",
        choices=image_sets.PARTS,
        help="part of the data set to measure on (default: of the run's, val; of DATA, all that the run was not trained"
        " on, and without a run its own val, else all)",
    )
    group.add_argument("--format", help="format of the data set (default: recognized from its files)")
    group.add_argument("--images", metavar="DIR", help="folder with the images of --annotations")
    group.add_argument("--annotations", metavar="FILE", help="a COCO JSON file, instead of DATA")
    group = parser.add_argument_group("model")
    group.add_argument("--labels", metavar="FILE", help="class names, if the file or checkpoint has none")
    group.add_argument(
        "--size",
        metavar="SIZE",
        help="size of a checkpoint's input: a side in pixels, or HEIGHTxWIDTH (default: that of its run, else the network's own)",
    )
    group.add_argument(
        "--tiles",
        type=tiles_or_none,
        metavar="GRID",
        help="cut images into tiles, such as 2x1 (columns x rows), as `python -m runtime --tiles` does; none for whole images"
        " (default: as it was trained)",
    )
    group.add_argument(
        "--threads", type=positive, default=2, metavar="N", help="threads of the interpreter (default: 2)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _tiles(path: Path, run: RunFolder | None, is_file: bool, given: Tiles | str | None) -> Tiles | None:
    if given is not None:
        return or_none(given)
    if is_file:
        return trained_tiles.find(Model.read(path))
    return None if run is None else run.tiles()


def _data(
    target: Path,
    run: RunFolder | None,
    data: PathLike | None,
    part: str | None,
    format: str | None,
    images: PathLike | None,
    annotations: PathLike | None,
) -> EvaluationSet:
    if bool(images) != bool(annotations):
        raise InputError("--images and --annotations go together")
    if images and annotations:
        if part:
            raise InputError("--part is for a data set; leave it out with --images and --annotations")
        if data:
            raise InputError("give either DATA or --images and --annotations")
        return image_sets.of_coco(images, annotations)
    if data:
        return image_sets.of_dataset(data, run, format, part)
    if run is None:
        raise InputError(f"{target} belongs to no run; name the data to measure it on")
    return image_sets.of_run(run, part or "val")


class _Function(ModuleType):
    """This module, which `from convert import evaluate` gives once it has been imported: a call calls `evaluate`."""

    __signature__ = inspect.signature(evaluate)

    def __call__(self, *arguments: Any, **options: Any) -> Evaluation:
        return evaluate(*arguments, **options)


_Function.__call__.__doc__ = evaluate.__doc__
sys.modules[__name__].__class__ = _Function

if __name__ == "__main__":
    run_command(main)
