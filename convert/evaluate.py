"""`python -m convert.evaluate FILE_OR_RUN [DATA]`: COCO AP of a .tflite, a run or a checkpoint."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from convert import pictures
from convert.labels import of_checkpoint
from convert.pictures import EvaluationSet
from convert.postprocessing import Postprocessing
from runtime.command import run as run_command
from runtime.detector import Detector
from runtime.errors import InputError
from runtime.options import positive
from runtime.values import Detection, Labels
from train.coco import Metrics
from train.run_folder import RunFolder

if TYPE_CHECKING:
    from train.folded import Graph

Detect = Callable[[np.ndarray], Iterable[Detection]]


def evaluate(detect: Detect, data: EvaluationSet, *, progress: bool = True) -> Metrics:
    """COCO figures of `detect`, which takes uint8 [height, width, 3] in BGR, on `data`."""
    bar = tqdm(data.pictures, desc="evaluating", unit="picture", disable=not progress, leave=False)
    return data.truth.measure({picture.id: tuple(detect(picture.load())) for picture in bar})


def evaluate_file(
    path: str | os.PathLike,
    data: EvaluationSet,
    *,
    labels: str | os.PathLike | None = None,
    threads: int = 2,
    progress: bool = True,
) -> Metrics:
    """COCO figures of a detection .tflite, run as `runtime` runs it, with every score counted.

    Raises InputError where the file cannot be run or knows none of the classes in `data`.
    """
    detector = Detector(path, labels=labels, threads=threads, score=0.0)
    _check_labels(detector.labels, data, path)
    return evaluate(detector, data, progress=progress)


def evaluate_checkpoint(
    path: str | os.PathLike,
    size: int,
    labels: Labels,
    data: EvaluationSet,
    *,
    postprocessing: Postprocessing | None = None,
    graph: Graph | None = None,
    progress: bool = True,
) -> Metrics:
    """COCO figures of a checkpoint in float, on pictures that pass the runtime's preprocessing.

    As the published evaluation counts, or with the `postprocessing` of a file. `graph` as for
    `CheckpointDetector`.
    """
    from convert.checkpoint_detector import CheckpointDetector

    _check_labels(labels, data, path)
    return evaluate(CheckpointDetector(path, size, labels, postprocessing, graph), data, progress=progress)


def evaluate_run(
    run: RunFolder, data: EvaluationSet, *, graph: Graph | None = None, progress: bool = True
) -> Metrics:
    """COCO figures of a run's best checkpoint in float; `graph` as for `CheckpointDetector`."""
    size = run.config()["task"]["size"]
    return evaluate_checkpoint(run.checkpoint, size, run.labels(), data, graph=graph, progress=progress)


def main(argv: Sequence[str] | None = None) -> int:
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
    parser = argparse.ArgumentParser(prog="python -m convert.evaluate", description=__doc__)
    parser.add_argument("target", metavar="FILE_OR_RUN", help="a detection .tflite, a run's folder, or a checkpoint")
    parser.add_argument(
        "data", nargs="?", metavar="DATA", help="a labelled data set (default: the validation pictures of the run)"
    )
    parser.add_argument("--images", metavar="DIR", help="pictures of a COCO JSON file")
    parser.add_argument("--annotations", metavar="FILE", help="a COCO JSON file, with --images")
    parser.add_argument("--format", help="the data set's format, where it cannot be told")
    parser.add_argument("--labels", metavar="FILE", help="class names, where the file or checkpoint has none")
    parser.add_argument("--size", type=positive, default=320, help="input side of a bare checkpoint (default: 320)")
    parser.add_argument("--threads", type=positive, default=2, help="threads of the interpreter (default: 2)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _run_of(target: Path) -> RunFolder | None:
    """The run that `target` is, or whose export it lies in."""
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
        return pictures.of_coco(arguments.images, arguments.annotations)
    if arguments.data:
        return pictures.of_dataset(arguments.data, run, arguments.format)
    if run is None:
        raise InputError(f"{arguments.target} belongs to no run; name the data to measure it on")
    return pictures.of_run(run)


def _check_labels(labels: Labels, data: EvaluationSet, where: str | os.PathLike) -> None:
    if not set(labels) & set(data.truth.labels):
        raise InputError(
            f"{where}: none of its classes ({', '.join(labels.names[:3])}, ...) is in the data"
            f" ({', '.join(data.truth.labels.names[:3])}, ...)"
        )


if __name__ == "__main__":
    run_command(main)
