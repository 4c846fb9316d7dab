"""The folder of a run. It can be read without TensorFlow.

checkpoints/last/        the newest checkpoint of training, with the optimizer's state
checkpoints/best/        the weights with the highest AP, and their metrics
labels.txt, label_map.pbtxt
config.yaml              all settings
dataset.json             the images and boxes of training, validation and test; hashes of the first two
earlier.json             the run that this one went on from with `--from`, and that run's validation images
metrics.json             metrics on the validation images, and timings
history.jsonl            losses and metrics step by step
detections.json          detections of the best weights on the validation images
report.html              a page with curves, the confusion matrix and the images with most errors
quantisation.json        the ranges of quantization-aware training
train/, validation/      TensorBoard summaries
images/                  TensorBoard images, with `--logger tensorboard`
train.log                messages of the libraries
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from runtime.boxes.tiles import Tiles
from runtime.common.errors import InputError
from runtime.common.files import write_text
from runtime.common.values import Box, Labels
from train import models
from train.dataset.dataset import Dataset, write_labels
from train.dataset.examples import content
from train.dataset.examples.example import Example, LabelledBox
from train.geometry.size import InputSize
from train.network.network import Network
from train.quantization import quantization
from train.quantization.quantization import Quantization

# How many folders above a file of a run the run itself is, at most: RUN/checkpoints/best/ckpt-7.index
_DEPTH = 3


@dataclass(frozen=True)
class RunFolder:
    """The files of one training run."""

    path: Path

    @property
    def last(self) -> Path:
        """Folder of the newest checkpoint."""
        return self.path / "checkpoints" / "last"

    @property
    def best(self) -> Path:
        """Folder of the best checkpoint."""
        return self.path / "checkpoints" / "best"

    @property
    def export(self) -> Path:
        """Folder that `python -m convert` writes into by default."""
        return self.path / "export"

    @property
    def checkpoint(self) -> Path:
        """Folder of the best checkpoint if there is one, else of the last. Raises InputError if there is neither."""
        for folder in self._checkpoints():
            return folder
        raise InputError(f"{self.path}: no checkpoint in this run; did its training end before the first one?")

    @property
    def has_ended(self) -> bool:
        """Whether training has ended."""
        return (self.path / "metrics.json").is_file()

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a checkpoint."""
        return any(self._checkpoints())

    def labels(self) -> Labels:
        """The class names. Raises InputError as `Labels.read` does."""
        return Labels.read(self.path / "labels.txt")

    def config(self) -> dict[str, Any]:
        """The contents of `config.yaml`. Raises InputError if it is missing or not YAML."""
        file = self.path / "config.yaml"
        try:
            config: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
            return config
        except OSError as error:
            raise InputError(f"{file}: cannot be read: {error.strerror}; is {self.path} a run?") from error
        except yaml.YAMLError as error:
            raise InputError(f"{file}: not YAML: {' '.join(str(error).split())}") from error

    def network(self) -> Network:
        """The network that was trained. Raises InputError as `config` does, and where the kit does not have it."""
        # Early runs had one network.
        return models.find(self._task().get("network", models.DEFAULT))

    def size(self) -> InputSize:
        """The size of the network's input. Raises InputError as `config` does, and for what is no size."""
        size = self._task()["size"]
        try:
            return InputSize.of(size if isinstance(size, int) else str(size))
        except InputError as error:
            raise InputError(f"{self.path / 'config.yaml'}: {error}") from error

    @property
    def recorded_tiles(self) -> str | None:
        """The tiles that the run was trained on, as its options have them; None for whole images. Raises as `tiles`."""
        tiles = self.tiles()
        return None if tiles is None else str(tiles)

    def tiles(self) -> Tiles | None:
        """The tiles that the run was trained on; None for whole images. Raises InputError as `config` does."""
        # Early runs had none.
        recorded = self._task().get("tiles")
        try:
            return Tiles.of(str(recorded)) if recorded else None
        except InputError as error:
            raise InputError(f"{self.path / 'config.yaml'}: {error}") from error

    def _task(self) -> dict[str, Any]:
        task = self.config().get("task")
        if not isinstance(task, dict) or "size" not in task:
            raise InputError(f"{self.path / 'config.yaml'}: it has no section task that says the input's size")
        return task

    @property
    def quantization_file(self) -> Path:
        """The file with the ranges of quantization-aware training."""
        return self.path / "quantisation.json"

    def quantization(self) -> Quantization | None:
        """The quantization that `python -m train --qat` used; None for a float run."""
        return quantization.read(self.quantization_file) if self.quantization_file.is_file() else None

    def metrics(self) -> dict[str, Any]:
        """The contents of `metrics.json`. Raises InputError if the run has not ended."""
        return _read_json(self.path / "metrics.json")

    def dataset(self) -> Dataset:
        """The data set of the run, from `dataset.json`. Raises InputError if that is missing or damaged."""
        data = _read_json(self.path / "dataset.json")
        try:
            return Dataset(
                train=tuple(example(item) for item in data["train"]),
                validation=tuple(example(item) for item in data["validation"]),
                labels=self.labels(),
                problems=tuple(data["problems"]),
                name=data["name"],
                # Early runs have no list of them.
                test=tuple(example(item) for item in data.get("test", ())),
            )
        except (KeyError, TypeError, ValueError) as error:
            file = self.path / "dataset.json"
            raise InputError(f"{file}: not in the format that training writes: {error}") from error

    def trained_images(self) -> tuple[TrainedImage, ...]:
        """The images that the run was trained on. Raises InputError as `dataset` does."""
        examples, items = self.dataset().train, _read_json(self.path / "dataset.json")["train"]
        return tuple(TrainedImage(example.image, item.get("content")) for example, item in zip(examples, items))

    def validation_images(self) -> tuple[TrainedImage, ...]:
        """The images that the run was validated on. Raises InputError as `dataset` does."""
        items = self.stored_validation()
        return tuple(TrainedImage(example.image, item.get("content")) for example, item in zip(self.dataset().validation, items))

    def stored_validation(self) -> list[dict[str, Any]]:
        """The validation images with their boxes as `dataset.json` has them. Raises InputError if that cannot be read."""
        stored: list[dict[str, Any]] = _read_json(self.path / "dataset.json")["validation"]
        return stored

    def write_dataset(self, dataset: Dataset) -> None:
        """Writes `labels.txt`, `label_map.pbtxt` and `dataset.json`."""
        write_labels(dataset.labels, self.path)
        data = {
            "name": dataset.name,
            "problems": list(dataset.problems),
            "train": [_located(example) | _content(example) for example in dataset.train],
            "validation": [_located(example) | _content(example) for example in dataset.validation],
            "test": [_located(example) for example in dataset.test],
        }
        write_text(self.path / "dataset.json", json.dumps(data))

    def write_config(self, config: dict[str, Any]) -> None:
        """Writes `config.yaml`."""
        write_text(self.path / "config.yaml", yaml.safe_dump(config, sort_keys=False))

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Writes `metrics.json`, which marks the run as ended."""
        write_text(self.path / "metrics.json", json.dumps(metrics, indent=2) + "\n")

    def _checkpoints(self) -> Iterator[Path]:
        return (folder for folder in (self.best, self.last) if any(folder.glob("*.index")))


@dataclass(frozen=True)
class TrainedImage:
    """An image that a run was trained or validated on: where it was, and the hash of its content (see `content.sampled_hash`).

    The hash is None in runs of early versions, and where the image was gone when the run began.
    """

    path: Path
    content: str | None


def newest(runs: str | os.PathLike[str] = "runs") -> RunFolder:
    """The run in the folder `runs` that ended last. Raises InputError if there is none."""
    ended = [file for file in Path(runs).glob("*/metrics.json") if file.is_file()]
    if not ended:
        raise InputError(f"{runs}: no finished run here; train one with `python -m train DATA --out {runs}/NAME`")
    return RunFolder(max(ended, key=lambda file: file.stat().st_mtime).parent)


def open_run(path: str | os.PathLike[str]) -> RunFolder:
    """The run at `path`. Raises InputError if that is not the folder of a run."""
    run = RunFolder(Path(path))
    if not (run.path / "config.yaml").is_file():
        raise InputError(f"{path}: not a run: it has no config.yaml; give a folder that `python -m train` made")
    return run


def run_of(path: str | os.PathLike[str]) -> RunFolder | None:
    """The run that `path` is, or in which it lies: a checkpoint, its folder, or an exported file; None if there is none."""
    given = Path(path)
    # A relative path is kept as it is in messages, where it reaches as far as the run.
    for start in (given, Path(os.path.abspath(given))):
        for folder in (start, *list(start.parents)[:_DEPTH]):
            if (folder / "dataset.json").is_file() and (folder / "config.yaml").is_file():
                return RunFolder(folder)
    return None


def fingerprint(dataset: Dataset) -> str:
    """A hash of the data set's boxes, labels and splits (not of its images' bytes)."""
    parts = [list(dataset.labels)] + [
        [[_as_json(example, example.image.name) for example in part]]
        for part in (dataset.train, dataset.validation)
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; has this run ended?") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error


def _as_json(example: Example, image: str) -> dict[str, Any]:
    return {
        "id": example.id,
        "picture": image,
        "width": example.width,
        "height": example.height,
        "orientation": example.orientation,
        "boxes": [[item.label, *item.box.as_tuple(), item.difficult, item.truncated] for item in example.boxes],
    }


def _located(example: Example) -> dict[str, Any]:
    return _as_json(example, str(example.image.resolve()))


def _content(example: Example) -> dict[str, str]:
    try:
        return {"content": content.sampled_hash(example.image)}
    except OSError:
        # Records of it may be in the cache.
        return {}


def example(item: dict[str, Any]) -> Example:
    """The example that `dataset.json` has as `item`."""
    boxes = tuple(
        LabelledBox(label, Box(xmin, ymin, xmax, ymax), difficult, truncated)
        for label, xmin, ymin, xmax, ymax, difficult, truncated in item["boxes"]
    )
    return Example(item["id"], Path(item["picture"]), item["width"], item["height"], boxes, item["orientation"])
