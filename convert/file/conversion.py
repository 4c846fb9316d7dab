"""Conversions in a process of their own.

TensorFlow 2.20 keeps some 22 MB of each conversion until its process ends (tensorflow issue 122598). Where several
files are made in one run they are made by one process, which ends with the last.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from convert.file.postprocessing import Postprocessing
from runtime.common.errors import KitError
from train.models.folding import Graph
from train.quantization.quantization import Range


@dataclass(frozen=True, eq=False)
class Job:
    """A file to make: float16 weights, or int8 where `ranges` has one for each tensor. Kernels are arrays."""

    kind: str
    graph: Graph
    ranges: Mapping[str, Range] | None = None


def converted(jobs: Sequence[Job], postprocessing: Postprocessing) -> list[bytes]:
    """What `convert.file.graph.detector` makes of each job.

    Raises KitError where the converter fails, or where its process is killed.
    """
    if len(jobs) < 2:
        return [_convert(job, postprocessing) for job in jobs]
    # A fork of a process whose TensorFlow has threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        try:
            return list(process.map(_convert, jobs, [postprocessing] * len(jobs)))
        except BrokenProcessPool as error:
            raise KitError("the process that converts was killed; memory may have run out") from error


def _convert(job: Job, postprocessing: Postprocessing) -> bytes:
    from train.models import tensorflow_setup

    tensorflow_setup.prepare()
    from convert.file.graph import detector

    return detector(job.graph, postprocessing, job.ranges)
