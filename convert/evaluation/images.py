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
from runtime.boxes.tiles import Tiles
from runtime.common.errors import InputError
from runtime.common.values import Labels
from train.dataset.dataset import read
from train.dataset.examples.example import Example
from train.evaluation.coco import GroundTruth
from train.run.run_folder import RunFolder
from train.run.trained_images import TrainedImages

# The parts of a data set, as options and messages name them.
_NAMES = {"train": "training", "val": "validation", "test": "test"}
PARTS = tuple(_NAMES)


@dataclass(frozen=True)
class Image:
    """An image file and how to load it: `load()` gives uint8 [height, width, 3] in BGR."""

    id: str
    path: Path
    load: Callable[[], np.ndarray]


@dataclass(frozen=True)
class EvaluationSet:
    """Images with what is to be found in them; `about` says which they are.

    `tiles` are those that a detector cuts them into, None for whole images.
    """

    images: tuple[Image, ...]
    truth: GroundTruth
    about: str
    tiles: Tiles | None = None

    def through(self, tiles: Tiles | None) -> EvaluationSet:
        """The same images, looked at through `tiles`."""
        about = self.about if tiles is None else f"{self.about}, tiles {tiles}"
        return replace(self, tiles=tiles, about=about)


def cut(images: Iterable[Image], tiles: Tiles | None) -> tuple[Image, ...]:
    """The windows of each of `images`, as images of their own; the images where there are no tiles."""
    if tiles is None:
        return tuple(images)
    return tuple(
        Image(f"{image.id}/{number}", image.path, partial(_window, image, tiles, number))
        for image in images
        for number in range(tiles.count)
    )


def _window(image: Image, tiles: Tiles, number: int) -> np.ndarray:
    whole = image.load()
    return tiles.windows(whole.shape[1], whole.shape[0])[number].of(whole)


def of_examples(examples: Iterable[Example]) -> tuple[Image, ...]:
    """The images of a data set's examples; ids are the examples' own."""
    load = train.dataset.examples.images.load
    return tuple(Image(example.id, example.image, partial(load, example)) for example in examples)


def of_files(paths: Iterable[Path], root: Path | None = None) -> tuple[Image, ...]:
    """Image files as they are, without labels.

    Ids are their paths from the folder `root`, with forward slashes; their names if there is none.
    """
    return tuple(
        Image(
            path.relative_to(root).as_posix() if root else path.name, path, partial(runtime.media.images.read, path)
        )
        for path in paths
    )


def of_run(run: RunFolder, part: str = "val") -> EvaluationSet:
    """The images of a part of the run's data set: "train", "val" or "test".

    Images of the test part that the run was trained on are left out. Raises InputError if the data set has no test part,
    or none of its images is left.
    """
    dataset = run.dataset()
    if part == "val":
        truth = GroundTruth.from_examples(dataset.validation, dataset.labels)
        return EvaluationSet(of_examples(dataset.validation), truth, f"validation images of {run.path}")
    if part == "train":
        return _labelled(dataset.train, f"training images of {run.path}", dataset.labels)
    if not dataset.test:
        raise InputError(
            f"{run.path}: its data set has no test part, or the run is from a version that did not note it; name a data"
            " set, with --part test if it has such a part"
        )
    known = dataset.validation == dataset.test
    about = f"test images of {run.path}" + (", which training validated on, too" if known else "")
    return _unknown_to(run, dataset.test, about, dataset.labels)


def of_dataset(
    path: str | os.PathLike[str], run: RunFolder | None = None, format: str | None = None, part: str | None = None
) -> EvaluationSet:
    """The images of a data set that `run` was not trained on, but for a test part that is not its validation.

    Without a run: the data set's own validation images where it has some, else all of it. `part` is the part of the data
    set to take instead: "train", of which images that were trained on stay, "val" or "test". Raises InputError where
    there is no such part, or nothing is left to measure on.
    """
    splits = read(path, format)
    own = {"train": splits.train, "val": splits.validation, "test": splits.test}
    if part is not None:
        chosen = own[part]
        if not chosen:
            there = ", ".join(name for name, examples in own.items() if examples)
            raise InputError(f"{path}: has no {part} part, only {there}")
        about = f"{_NAMES[part]} images of {path}"
        return _labelled(chosen, about) if run is None or part == "train" else _unknown_to(run, chosen, about)
    if run is not None:
        return _unknown_to(run, (*splits.train, *(splits.validation or ())), f"images of {path}")
    if splits.validation is not None:
        return _labelled(splits.validation, f"validation images of {path}")
    return _labelled(splits.train, f"all images of {path}")


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
    # Ids are as the file has them.
    images = tuple(replace(found, id=image.id) for found, image in zip(images, truth.images))
    return EvaluationSet(images, truth, f"all images of {annotations}")


def _unknown_to(
    run: RunFolder, examples: tuple[Example, ...], about: str, labels: Labels = Labels(())
) -> EvaluationSet:
    """Those of `examples` that `run` was not trained on, by their content."""
    trained = TrainedImages(run)
    chosen = tuple(example for example in examples if example not in trained)
    known = len(examples) - len(chosen)
    if not chosen:
        raise InputError(
            f"{about}: {run.path} was trained on all {known} of them, as their contents show; name other images"
        )
    about += f" that {run.path} was not trained on"
    about += f" ({known} of {len(examples)} were and are left out)" if known else ""
    if trained.unknown:
        about += f"; {trained.unknown} of its training images are gone and could not be compared"
    return _labelled(chosen, about, labels)


def _labelled(examples: tuple[Example, ...], about: str, labels: Labels = Labels(())) -> EvaluationSet:
    """The images of `examples`, with the classes `labels` and those that the examples have besides, sorted."""
    found = {box.label for example in examples for box in example.boxes}
    if not found:
        raise InputError(f"{about}: no labelled images to measure on are left there")
    names = Labels((*labels, *sorted(found.difference(labels))))
    return EvaluationSet(of_examples(examples), GroundTruth.from_examples(examples, names), about)
