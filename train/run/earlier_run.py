"""The run that another run went on from: its images and classes, and the record of them in the new run's folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from runtime.common.errors import InputError
from runtime.common.files import write_text
from runtime.common.values import Labels
from train.dataset.dataset import Dataset, after
from train.dataset.earlier import Earlier
from train.dataset.examples.example import Example
from train.run import run_folder
from train.run.run_folder import RunFolder
from train.run.trained_images import KnownImages, TrainedImages, goes_by_name

_FILE = "earlier.json"


@dataclass(frozen=True)
class Recorded:
    """Where a run came from: the path of the earlier run, the name of its data, its classes and validation images."""

    path: Path
    data: str
    labels: Labels
    validation: tuple[Example, ...]


def known(path: str) -> Earlier:
    """What the run at `path` knows. Raises InputError as `open_run` and `RunFolder.dataset` do."""
    run = run_folder.open_run(path)
    train = TrainedImages(run)
    validation = KnownImages(run.validation_images(), by_name=goes_by_name(run))
    notes = tuple(
        f"{unknown} {what} images of {path} are gone, and it has no hash of them: they are not recognized"
        for what, unknown in (("training", train.unknown), ("validation", validation.unknown))
        if unknown
    )
    return Earlier(path, run.labels().names, train, validation, notes)


def continued(dataset: Dataset, path: str) -> Dataset:
    """The data set that was opened already, as `Options.open` would make it for a run that goes on from the one at `path`."""
    return after(dataset, known(path))


def record(out: RunFolder, path: str) -> None:
    """Writes `earlier.json` into the run `out`: which run it went on from, and that run's validation images and boxes."""
    run = run_folder.open_run(path)
    data = {
        "run": str(run.path.resolve()),
        "data": run.dataset().name,
        "labels": list(run.labels().names),
        "validation": run.stored_validation(),
    }
    write_text(out.path / _FILE, json.dumps(data))


def recorded(run: RunFolder) -> Recorded | None:
    """Where `run` came from; None if it began without `--from`. Raises InputError for a damaged record."""
    file = run.path / _FILE
    if not file.is_file():
        return None
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        examples = tuple(run_folder.example(item) for item in data["validation"])
        return Recorded(Path(data["run"]), str(data["data"]), Labels(tuple(data["labels"])), examples)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file}: not in the format that training writes: {error}") from error
