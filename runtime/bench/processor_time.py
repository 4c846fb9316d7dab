"""Processor time of the loop: how much of it goes into the model, into decoding, and into everything else."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import List, Optional, Sequence

import numpy as np


@dataclass(frozen=True)
class CoreTime:
    """Processor time a frame, in milliseconds of one core, over all threads of the loop and of the engine's process.

    `model` is what a bare invoke takes. `decoding` is what reading the source takes: the more of the reading thread's time
    in the loop and, for decoders with threads of their own, of the time of all threads where the source is played alone.
    `other` is the rest.
    """

    model: float
    decoding: float
    other: float


@dataclass(frozen=True)
class Mark:
    """A moment of a run: seconds by `time.perf_counter`, and processor seconds so far.

    `loop` is that of this process with the engine's process, None where the system does not tell the latter; `reading` is
    that of the thread that reads the source.
    """

    at: float
    loop: Optional[float]
    reading: float


@dataclass(frozen=True)
class Span:
    """What `frames` frames took between two marks of a run."""

    begin: Mark
    end: Mark
    frames: int

    @property
    def milliseconds(self) -> float:
        """Milliseconds from frame to frame."""
        return 1000 * (self.end.at - self.begin.at) / self.frames


def own_and_of(pid: int) -> Optional[float]:
    """Processor seconds of this process and of the process `pid` so far; None where the system does not tell."""
    other = of_process(pid)
    return None if other is None else time.process_time() + other


def of_process(pid: int) -> Optional[float]:
    """Processor seconds of all threads of the process `pid` so far; None where the system does not tell."""
    if not hasattr(time, "clock_gettime"):
        return None
    try:
        # MAKE_PROCESS_CPUCLOCK of Linux (include/linux/posix-timers.h), which clock_getcpuclockid(3) gives.
        return time.clock_gettime((~pid << 3) | 2)
    except (OSError, OverflowError):
        return None


def core_time(model: Sequence[Optional[float]], alone: Sequence[float], spans: Sequence[Span]) -> Optional[CoreTime]:
    """The medians over rounds; None where the system does not tell the time of a process.

    `model` has the processor milliseconds of a bare invoke, one value a round, `alone` those of playing the source
    alone a frame; empty where the images are in memory.
    """
    told = [value for value in model if value is not None]
    whole: List[float] = []
    reading: List[float] = []
    for span in spans:
        if span.begin.loop is not None and span.end.loop is not None:
            whole.append(1000 * (span.end.loop - span.begin.loop) / span.frames)
            reading.append(1000 * (span.end.reading - span.begin.reading) / span.frames)
    if not told or not whole:
        return None
    invoke = float(np.median(told))
    decoding = max(float(np.median(reading)), float(np.median(alone)) if alone else 0.0)
    return CoreTime(invoke, decoding, float(np.median(whole)) - invoke - decoding)
