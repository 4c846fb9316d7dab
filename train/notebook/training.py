"""The function `train`, for notebooks and programs."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Unpack

from runtime.common.errors import InputError
from train.dataset.dataset import Dataset
from train.files import progress_bars
from train.layers import tensorflow_setup
from train.loggers import Logger
from train.notebook import job, keywords
from train.notebook.job import Job
from train.notebook.keywords import Keywords
from train.notebook.progress_bar import ProgressBar, Unseen
from train.notebook.run import Run, open_run
from train.run.options import Options, of_their_types
from train.run.progress import Progress

PathLike = str | os.PathLike[str]

_log = logging.getLogger(__name__)


@keywords.listed
def train(
    data: Dataset | PathLike | Sequence[PathLike] | None = None,
    out: PathLike | None = None,
    *,
    resume: PathLike | None = None,
    progress: bool | None = None,
    loggers: Sequence[Logger] = (),
    **options: Unpack[Keywords],
) -> Run:
    """Trains a detector and returns the run, as `python -m train` does.

        run = train("data", steps=1000, size=320)
        run = train("data", "runs/mine", epochs=30, mosaic=0.5)
        run = train(resume="runs/mine")
        run = train(qat="runs/mine")
        run = train(["first", "october"], from_run="runs/mine")

    A run that ends with an error before its first checkpoint leaves no folder. An interrupted one is continued with
    `resume`.

    Args:
      data: the data set, or the path of one, a folder or a zip file, or paths of several that become one. With `resume` only if its images have moved, with
        `qat` never.
      out: folder of the run, new or empty. By default `runs/NAME`, where NAME is the data set's, or `runs/NAME-2` and
        so on if there is one; with `qat`, `RUN-qat`.
      resume: the run to resume from its last checkpoint, with its own settings.
      progress: show bars, by default in notebooks and on terminals. Messages go to the logger `train` of `logging`.
      loggers: told what the run does, besides those that the option `logger` names.
      **options: the command's options with `_` for `-`, which are the attributes of `train.run.options.Options`.

    Raises:
      InputError: an option, the data or the folder is wrong; the message says what.
      KitError: the loss is no longer finite, or the disk is full.
    """
    wanted = _job(data, out, resume, options)
    tensorflow_setup.prepare()
    from train.report import page
    from train.training import training

    if not (wanted.resumed and wanted.out.has_ended):
        shown = progress_bars.visible() if progress is None else progress
        with _bars(shown) as made, _released():
            training.train(
                wanted.dataset, wanted.out, wanted.options, _log.info,
                resumed=wanted.resumed, loggers=loggers, progress=made, bars=shown,
            )  # fmt: skip
    page.write(wanted.out)
    return open_run(wanted.out.path)


def _job(
    data: Dataset | PathLike | Sequence[PathLike] | None, out: PathLike | None, resume: PathLike | None, given: Keywords
) -> Job:
    values = of_their_types(keywords.plain(given), "train()")
    tuned, earlier = values.get("qat"), values.get("from_run")
    if values.get("strategy") == "multi_worker":
        raise InputError("train(): several workers are started by the command: python -m train --strategy multi_worker")
    if resume is not None:
        if out is not None or tuned is not None or earlier is not None:
            raise InputError(
                "train(): resume goes on in that run's folder, with its settings: leave out out, qat and from_run"
            )
        if isinstance(data, Dataset):
            raise InputError("train(): resume takes the path of a data set, and only if its images have moved")
        return job.resumed(resume, data, _without(values))
    if tuned is not None and earlier is not None:
        raise InputError("train(): qat and from_run exclude each other: train in float first, and tune that run afterwards")
    if tuned is not None:
        if data is not None:
            raise InputError("train(): qat goes on with the images of that run: leave out data")
        return job.tuned(tuned, out, _without(values, "qat"))
    if data is None:
        raise InputError("train(): data is needed, or qat, or resume")
    if earlier is not None:
        return job.continued(data, out, earlier, _without(values, "from_run"))
    return job.new(data, out, Options(**values))


def _without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """What of `values` another run's settings are to be compared with: without `names`, and what says nothing."""
    nothing = (("size", None), ("tiles", None), ("qat", None), ("from_run", None))
    return {name: value for name, value in values.items() if name not in names and (name, value) not in nothing}


@contextlib.contextmanager
def _bars(shown: bool) -> Iterator[Callable[[Callable[[], int], int, int], Progress]]:
    """What makes the progress of a run; a bar that it has made is closed at the end."""
    made: list[ProgressBar] = []

    def bar(step: Callable[[], int], steps: int, batch: int) -> Progress:
        made.append(ProgressBar(step, steps, batch))
        return made[0]

    try:
        yield bar if shown else Unseen
    finally:
        for item in made:
            item.close()


@contextlib.contextmanager
def _released() -> Iterator[None]:
    """Context manager that releases networks and graphs at the end, which Keras would keep for the whole process."""
    import tf_keras

    try:
        yield
    finally:
        tf_keras.backend.clear_session()
        gc.collect()
