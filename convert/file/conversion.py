"""Conversions in a process of their own.

TensorFlow 2.20 keeps some 22 MB of each conversion until its process ends (tensorflow issue 122598). Where several
files are made in one run they are made by one process, which ends with the last.
"""

from __future__ import annotations

import pickle
import subprocess
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from convert.file.kinds import Kind
from convert.file.postprocessing import Postprocessing
from runtime import launcher
from runtime.common.errors import KitError
from train.geometry.normalization import Normalization

if TYPE_CHECKING:
    # Importing them imports TensorFlow, which takes seconds.
    from train.graph.graph import Graph
    from train.quantization.quantization import Range

# The files through which the two processes speak.
_JOBS, _RESULTS = "jobs.pickle", "results.pickle"


@dataclass(frozen=True, eq=False)
class Job:
    """A file to make; its fields are those of `convert.file.graph.Form`. Kernels of `graph` are arrays.

    For more than one image it ends before the post-processing.
    """

    kind: Kind
    graph: Graph
    ranges: Mapping[str, Range] | None = None
    images: npt.NDArray[np.uint8] | None = None
    normalization: Normalization = Normalization()
    batch: int = 1


def converted(jobs: Sequence[Job], postprocessing: Postprocessing) -> list[bytes]:
    """What `convert.file.graph.detector` makes of each job, or `raw_detector` of those for more than one image.

    Raises KitError where the converter fails, or where its process is killed.
    """
    if len(jobs) < 2:
        return [_convert(job, postprocessing) for job in jobs]
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        return _in_child(jobs, postprocessing, Path(folder))


def _in_child(jobs: Sequence[Job], postprocessing: Postprocessing, folder: Path) -> list[bytes]:
    (folder / _JOBS).write_bytes(pickle.dumps((jobs, postprocessing)))
    # Not by multiprocessing: that would run a caller's script a second time, up to its call of this function. And no
    # fork, which may hang where TensorFlow has threads.
    command = f"from convert.file import conversion; conversion._child({str(folder)!r})"
    done = subprocess.run(launcher.python(command), capture_output=True, check=False)
    if not (folder / _RESULTS).is_file():
        raise KitError(_ended(done))
    results = pickle.loads((folder / _RESULTS).read_bytes())
    if isinstance(results, BaseException):
        raise results
    models: list[bytes] = results
    return models


def _ended(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        return f"the process that converts was killed by signal {-done.returncode}; memory may have run out"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return f"the process that converts ended with exit code {done.returncode}: {said[-1] if said else 'no message'}"


def _child(folder: str) -> None:
    """What the other process does."""
    jobs, postprocessing = pickle.loads((Path(folder) / _JOBS).read_bytes())
    results: list[bytes] | Exception
    try:
        results = [_convert(job, postprocessing) for job in jobs]
    except Exception as error:  # The process that waits raises it.
        error.add_note(f"In the process that converts:\n{traceback.format_exc()}")
        results = error
    written = Path(folder) / "written"
    written.write_bytes(pickle.dumps(results))
    written.rename(Path(folder) / _RESULTS)


def _convert(job: Job, postprocessing: Postprocessing) -> bytes:
    from train.layers import tensorflow_setup

    tensorflow_setup.prepare()
    from convert.file.graph import Form, detector, raw_detector

    form = Form(job.kind, job.ranges, job.images, job.normalization, job.batch)
    return detector(job.graph, postprocessing, form) if job.batch == 1 else raw_detector(job.graph, form)
