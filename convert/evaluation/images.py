"""Pictures to evaluate on or to calibrate with, loaded one at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
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
class Picture:
    """A picture file and how to load it: `load()` gives uint8 [height, width, 3] in BGR."""

    id: str
    path: Path
    load: Callable[[], np.ndarray]


@dataclass(frozen=True)
class EvaluationSet:
    """Pictures with what is to be found in them; `about` says which they are."""

    pictures: tuple[Picture, ...]
    truth: GroundTruth
    about: str


def of_examples(examples: Iterable[Example]) -> tuple[Picture, ...]:
    return tuple(Picture(example.id, example.picture, lambda example=example: train.dataset.examples.images.load(example)) for example in examples)


def of_files(paths: Iterable[Path]) -> tuple[Picture, ...]:
    """Picture files as they are, without labels; ids are their names."""
    return tuple(Picture(path.name, path, lambda path=path: runtime.media.images.read(path)) for path in paths)


def of_run(run: RunFolder) -> EvaluationSet:
    """The validation pictures of a run."""
    dataset = run.dataset()
    truth = GroundTruth.from_examples(dataset.validation, dataset.labels)
    return EvaluationSet(of_examples(dataset.validation), truth, f"validation pictures of {run.path}")


def of_dataset(path: str | os.PathLike, run: RunFolder | None = None, format: str | None = None) -> EvaluationSet:
    """The pictures of a data set that `run` was not trained on.

    Without a run: the data set's own validation list where it has one, else all of it. Raises
    InputError where nothing is left to measure on.
    """
    splits = read(path, format)
    if run is not None:
        trained = {example.picture.resolve() for example in run.dataset().train}
        everything = (*splits.train, *(splits.validation or ()))
        chosen = tuple(example for example in everything if example.picture.resolve() not in trained)
        about = f"the pictures of {path} that {run.path} was not trained on"
    elif splits.validation is not None:
        chosen, about = splits.validation, f"validation pictures of {path}"
    else:
        chosen, about = splits.train, f"all pictures of {path}"
    names = sorted({box.label for example in chosen for box in example.boxes})
    if not names:
        raise InputError(f"{path}: no labelled pictures to measure on are left there")
    return EvaluationSet(of_examples(chosen), GroundTruth.from_examples(chosen, Labels(tuple(names))), about)


def of_coco(images: str | os.PathLike, annotations: str | os.PathLike) -> EvaluationSet:
    """All pictures of a COCO JSON file, which lie in the folder `images`."""
    truth = GroundTruth.from_json(annotations)
    folder = Path(images)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of pictures")
    missing = [picture.id for picture in truth.pictures if not (folder / picture.id).is_file()]
    if missing:
        raise InputError(f"{annotations}: names {missing[0]}, which is not in {folder} ({len(missing)} such pictures)")
    pictures = of_files(folder / picture.id for picture in truth.pictures)
    pictures = tuple(replace(found, id=picture.id) for found, picture in zip(pictures, truth.pictures))
    return EvaluationSet(pictures, truth, f"all pictures of {annotations}")


