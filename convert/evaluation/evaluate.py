"""COCO AP of a .tflite, a run or a checkpoint on labelled images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from tqdm.auto import tqdm

from convert.evaluation.images import EvaluationSet
from runtime.common.errors import InputError
from runtime.common.values import Detection, Labels
from runtime.inference.detector import Detector
from train.evaluation.coco import Metrics
from train.run.run_folder import RunFolder

if TYPE_CHECKING:
    from train.geometry.size import InputSize
    from train.graph.graph import Graph

Detect = Callable[[np.ndarray], Iterable[Detection]]


def evaluate(detect: Detect, data: EvaluationSet, *, progress: bool = True) -> Metrics:
    """COCO figures of `detect`, which takes uint8 [height, width, 3] in BGR, on `data`."""
    return data.truth.measure(detections(detect, data, progress=progress))


def detections(detect: Detect, data: EvaluationSet, *, progress: bool = True) -> dict[str, tuple[Detection, ...]]:
    """What `detect` finds in each image of `data`, by the image's id."""
    bar = tqdm(data.images, desc="evaluating", unit="image", disable=not progress, leave=False)
    return {image.id: tuple(detect(image.load())) for image in bar}


def evaluate_file(
    path: str | os.PathLike[str],
    data: EvaluationSet,
    *,
    labels: str | os.PathLike[str] | None = None,
    threads: int = 2,
    progress: bool = True,
) -> Metrics:
    """COCO figures of a detection .tflite, run as `runtime` runs it, with every score and every label counted.

    Images are looked at through the tiles of `data`, where it has some.
    Raises InputError where the file cannot be run or knows none of the classes in `data`.
    """
    found = file_detections(path, data, labels=labels, threads=threads, progress=progress)
    return data.truth.measure(found)


def file_detections(
    path: str | os.PathLike[str],
    data: EvaluationSet,
    *,
    labels: str | os.PathLike[str] | None = None,
    threads: int = 2,
    progress: bool = True,
) -> dict[str, tuple[Detection, ...]]:
    """All that a detection .tflite finds in each image of `data`, by the image's id. Raises as `evaluate_file` does."""
    detector = Detector(path, labels=labels, threads=threads, score=0.0, all_labels=True, tiles=data.tiles)
    _check_labels(detector.labels, data, path)
    if detector.batch == 1 or data.tiles is not None:
        return detections(detector, data, progress=progress)
    found: dict[str, tuple[Detection, ...]] = {}
    # Each image is measured at the place in which it comes, so that every place counts.
    for start in range(0, len(data.images), detector.batch):
        some = data.images[start : start + detector.batch]
        found.update(zip((image.id for image in some), detector.detect_all([image.load() for image in some])))
    return found


def evaluate_checkpoint(
    path: str | os.PathLike[str],
    size: InputSize,
    labels: Labels,
    data: EvaluationSet,
    *,
    graph: Graph | None = None,
    progress: bool = True,
) -> Metrics:
    """COCO figures of a checkpoint in float, as the published evaluation counts, with the runtime's preprocessing.

    `graph` as for `CheckpointDetector`.
    """
    from train.evaluation.checkpoint_detector import CheckpointDetector

    _check_labels(labels, data, path)
    return evaluate(CheckpointDetector(path, size, labels, graph, data.tiles), data, progress=progress)


def evaluate_run(
    run: RunFolder, data: EvaluationSet, *, graph: Graph | None = None, progress: bool = True
) -> Metrics:
    """COCO figures of a run's best checkpoint in float; `graph` as for `CheckpointDetector`."""
    return evaluate_checkpoint(run.checkpoint, run.size(), run.labels(), data, graph=graph, progress=progress)


def _check_labels(labels: Labels, data: EvaluationSet, where: str | os.PathLike[str]) -> None:
    if not set(labels) & set(data.truth.labels):
        raise InputError(
            f"{where}: none of its classes ({', '.join(labels.names[:3])}, ...) is in the data"
            f" ({', '.join(data.truth.labels.names[:3])}, ...)"
        )
