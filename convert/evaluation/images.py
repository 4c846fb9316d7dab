"""Images to evaluate on or to calibrate with, loaded one at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

import runtime.media.images
import train.dataset.examples.images
from runtime.common.errors import InputError
from runtime.common.values import Labels
from train.dataset.dataset import read
from train.dataset.examples.example import Example
from train.evaluation.coco import GroundTruth
from train.run.run_folder import RunFolder


@dataclass(frozen=True)
class Image:
    """An image file and how to load it: `load()` gives uint8 [height, width, 3] in BGR."""

    id: str
    path: Path
    load: Callable[[], np.ndarray]


@dataclass(frozen=True)
class EvaluationSet:
    """Images with what is to be found in them; `about` says which they are."""

    images: tuple[Image, ...]
    truth: GroundTruth
    about: str


def of_examples(examples: Iterable[Example]) -> tuple[Image, ...]:
    """The images of a data set's examples; ids are the examples' own."""
    load = train.dataset.examples.images.load
    return tuple(Image(example.id, example.image, partial(load, example)) for example in examples)


def of_files(paths: Iterable[Path]) -> tuple[Image, ...]:
    """Image files as they are, without labels; ids are their names."""
    return tuple(Image(path.name, path, partial(runtime.media.images.read, path)) for path in paths)


def of_run(run: RunFolder) -> EvaluationSet:
    """The validation images of a run."""
    dataset = run.dataset()
    truth = GroundTruth.from_examples(dataset.validation, dataset.labels)
    return EvaluationSet(of_examples(dataset.validation), truth, f"validation images of {run.path}")


def of_dataset(path: str | os.PathLike[str], run: RunFolder | None = None, format: str | None = None) -> EvaluationSet:
    """The images of a data set that `run` was not trained on.

    Without a run: the data set's own validation list where it has one, else all of it. Raises
    InputError where nothing is left to measure on.
    """
    splits = read(path, format)
    if run is not None:
        trained = {example.image.resolve() for example in run.dataset().train}
        everything = (*splits.train, *(splits.validation or ()))
        chosen = tuple(example for example in everything if example.image.resolve() not in trained)
        about = f"the images of {path} that {run.path} was not trained on"
    elif splits.validation is not None:
        chosen, about = splits.validation, f"validation images of {path}"
    else:
        chosen, about = splits.train, f"all images of {path}"
    names = sorted({box.label for example in chosen for box in example.boxes})
    if not names:
        raise InputError(f"{path}: no labelled images to measure on are left there")
    return EvaluationSet(of_examples(chosen), GroundTruth.from_examples(chosen, Labels(tuple(names))), about)


def of_coco(image_folder: str | os.PathLike[str], annotations: str | os.PathLike[str]) -> EvaluationSet:
    """All images of a COCO JSON file, which lie in `image_folder`."""
    truth = GroundTruth.from_json(annotations)
    folder = Path(image_folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of images")
    missing = [image.id for image in truth.images if not (folder / image.id).is_file()]
    if missing:
        raise InputError(f"{annotations}: names {missing[0]}, which is not in {folder} ({len(missing)} such images)")
    images = of_files(folder / image.id for image in truth.images)
    images = tuple(replace(found, id=image.id) for found, image in zip(images, truth.images))
    return EvaluationSet(images, truth, f"all images of {annotations}")
