"""Readable lines on standard output."""

from __future__ import annotations

from typing import Sequence

from runtime.common.values import Detection, Frame
from runtime.media.drawing import caption
from runtime.sinks import Sink
from runtime.sinks._standard_output import write
from runtime.sources import Source

KIND = "console (readable lines on standard output)"


def accepts(spec: str) -> bool:
    """Whether `spec` names the console."""
    return spec == "console"


def connect(spec: str, source: Source) -> Sink:
    """Makes the console sink."""
    return Console(source)


class Console(Sink):
    """One line per frame: a file name, then label, score and box (left, top, right, bottom) of each object."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Prints the line of a frame."""
        objects = "; ".join(
            f"{caption(detection)} at " + "{:.0f},{:.0f}-{:.0f},{:.0f}".format(*detection.box.as_tuple())
            for detection in detections
        )
        camera = f"{self.camera}: " if self.camera else ""
        write(f"{camera}{self._source.name_of(frame)}: {objects or 'nothing found'}")
