"""What is to be trained: a new run, one that is resumed, or one of quantization-aware training.

The command and `train` begin with the same rules, which are these.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from train.dataset.dataset import Dataset
from train.run import continuation, earlier_run, resume
from train.run.options import Options, check
from train.run.run_folder import RunFolder, open_run

PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class Job:
    """A run to train: `dataset` into the folder `out` by `options`; `resumed` from its last checkpoint or not."""

    dataset: Dataset
    out: RunFolder
    options: Options
    resumed: bool = False


def new(data: Dataset | PathLike | Sequence[PathLike], out: PathLike | None, options: Options) -> Job:
    """A new run on a data set, or on the one at a path, or at several as one.

    Without `out` it is the first folder of `runs/NAME`, `runs/NAME-2` and so on that does not exist, where NAME is the
    data set's. Raises InputError for invalid options, and as `open_dataset` does.
    """
    # What is wrong with them is told before the data is read.
    check(options)
    dataset = data if isinstance(data, Dataset) else options.open(_paths(data))
    return Job(dataset, RunFolder(_free(dataset.name) if out is None else Path(out)), options)


def continued(
    data: Dataset | PathLike | Sequence[PathLike], out: PathLike | None, run: PathLike, given: Mapping[str, Any]
) -> Job:
    """A new run on `data` that goes on from the finished run `run`; `given` are the options that the user gave.

    Raises InputError as `continuation.options` and `new` do.
    """
    path = os.fspath(run)
    options = continuation.options(path, given)
    return new(earlier_run.continued(data, path) if isinstance(data, Dataset) else data, out, options)


def tuned(float_run: PathLike, out: PathLike | None, given: Mapping[str, Any]) -> Job:
    """Quantization-aware training of a finished float run; `given` are the options that the user gave.

    Raises InputError as `qat.open_float` and `qat.options` do.
    """
    from train.training import qat

    run = qat.open_float(os.fspath(float_run))
    options = qat.options(run, given)
    return Job(run.dataset(), qat.default_out(run) if out is None else RunFolder(Path(out)), options)


def resumed(run: PathLike, data: PathLike | Sequence[PathLike] | None, given: Mapping[str, Any]) -> Job:
    """An interrupted run, with its own settings; `data` is where its images are if they have moved.

    Raises InputError as `resume.settings` and `resume.dataset` do.
    """
    out = open_run(run)
    options = resume.settings(out, given)
    return Job(resume.dataset(out, options, *_paths(data or ())), out, options, resumed=True)


def _paths(data: PathLike | Sequence[PathLike]) -> list[str]:
    given = [data] if isinstance(data, (str, os.PathLike)) else data
    return [os.fspath(path) for path in given]


def _free(name: str) -> Path:
    """The first folder for a run called `name` that does not exist."""
    folder, number = Path("runs") / name, 1
    while folder.exists():
        number += 1
        folder = Path("runs") / f"{name}-{number}"
    return folder
