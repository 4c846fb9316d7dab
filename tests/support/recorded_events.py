"""A folder of recorded events, made by the sink."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

import numpy as np

from runtime import Box, Detection, Frame
from runtime.sinks import Sink, open_sink
from runtime.sources import Source
from runtime.telemetry.state import State


class Street(Source):
    """Where the frames come from, as far as the sink asks."""

    name = "street.mp4"
    path = None
    fps = 10.0

    def __iter__(self) -> Any:
        return iter(())


def record(folder: Path, state: State, labels: Sequence[str], settings: str = "") -> Sink:
    """Records an event of 1.5 seconds for each label, a second apart; gives the sink, which stays open."""
    sink = open_sink(f"events:{folder},least=0.5,before=0.3,after=0.3{settings}", Street())
    sink.attach(state)
    rng = np.random.default_rng(0)
    patch = rng.integers(0, 255, (60, 60, 3), np.uint8)
    for index in range(40 * len(labels)):
        number, place = divmod(index, 40)
        image = np.full((240, 320, 3), 90, np.uint8)
        image[80:140, 4 * place : 4 * place + 60] = patch
        box = Box(4 * place, 80, 4 * place + 60, 140)
        found = [Detection(labels[number], number, 0.9, box, number)] if place <= 15 else []
        sink.write(Frame(image, index, index / 10), found)
    recorder, writer = sink._recorder, sink._writer  # type: ignore[attr-defined]
    recorder.end()
    while state.snapshot()["events"]["recorded"] + state.snapshot()["events"]["lost"] < len(labels):
        writer._thread.join(0.01)
    return sink
