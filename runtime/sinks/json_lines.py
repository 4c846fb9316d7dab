"""One JSON object a line, one line a frame."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Optional, Sequence, TextIO

from runtime.common.detection_json import line
from runtime.common.values import Detection, Frame
from runtime.sinks import Sink, check_file, writing
from runtime.sources import Source

KIND = "JSON lines (.jsonl, .json, or - for standard output)"

SUFFIXES = frozenset((".json", ".jsonl", ".ndjson"))


def accepts(spec: str) -> bool:
    return spec == "-" or Path(spec).suffix.lower() in SUFFIXES


def connect(spec: str, source: Source) -> Sink:
    if spec != "-":
        check_file(Path(spec), source)
    return JsonLines(spec, going_on=source.live)


class JsonLines(Sink):
    """Writes to a file, or to standard output for `-`; every line is whole once it is written."""

    def __init__(self, spec: str, going_on: bool = False) -> None:
        """Where `going_on`, lines follow those that are there already, instead of taking their place."""
        self._spec = spec
        self._going_on = going_on
        self._file: Optional[TextIO] = sys.stdout if spec == "-" else None

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        with writing(self._spec):
            if self._file is None:
                path = Path(self._spec)
                path.parent.mkdir(parents=True, exist_ok=True)
                # A line that a power cut has left half stays one of its own.
                torn = self._going_on and _is_torn(path)
                self._file = path.open("a" if self._going_on else "w", encoding="utf-8", newline="\n")
                self._file.write("\n" if torn else "")
            self._file.write(line(frame, detections) + "\n")
            self._file.flush()

    def close(self) -> None:
        if self._file is not None and self._spec != "-":
            with writing(self._spec):
                self._file.close()

    def discard(self) -> None:
        # The lines so far are whole, and may be hours of work.
        self.close()


def _is_torn(path: Path) -> bool:
    """Whether the last line has no end."""
    if not path.exists() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
