"""JSON lines: one JSON object per line, one line per frame (`runtime.common.detection_json`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional, Sequence, TextIO

from runtime.common.detection_json import line
from runtime.common.values import Detection, Frame
from runtime.sinks import Sink, check_file, writing
from runtime.sinks._disk_flush import DiskFlush, new_folders
from runtime.sinks._standard_output import write
from runtime.sources import Source

KIND = "JSON lines (.jsonl, .json, or - for standard output)"

SUFFIXES = frozenset((".json", ".jsonl", ".ndjson"))


def accepts(spec: str) -> bool:
    """Whether `spec` names a JSON lines file or standard output."""
    return spec == "-" or Path(spec).suffix.lower() in SUFFIXES


def connect(spec: str, source: Source) -> Sink:
    """Makes the JSON lines. Raises InputError for a wrong file name."""
    if spec != "-":
        check_file(Path(spec), source)
    return JsonLines(spec, append=source.live)


class JsonLines(Sink):
    """Writes to a file, or to standard output for `-`, a whole line at a time; a file is flushed to the disk regularly."""

    def __init__(self, spec: str, append: bool = False) -> None:
        """With `append`, lines are added to an existing file; otherwise the file is replaced."""
        self._spec = spec
        self._append = append
        self._file: Optional[TextIO] = None
        self._disk: Optional[DiskFlush] = None

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Writes the line of a frame. Raises KitError if it cannot be written."""
        text = line(frame, detections, self.camera)
        with writing(self._spec):
            if self._spec == "-":
                write(text)
                return
            if self._file is None:
                path = Path(self._spec)
                folders = new_folders(path)
                # A line that a power failure has cut off must not merge with the next one.
                incomplete = self._append and _ends_incomplete(path)
                self._file = path.open("a" if self._append else "w", encoding="utf-8", newline="\n")
                self._disk = DiskFlush(path, self._file.fileno(), folders)
                self._file.write("\n" if incomplete else "")
            self._file.write(text + "\n")
            self._file.flush()
        if self._disk is not None:
            self._disk.written()

    def close(self) -> None:
        """Closes the file, and flushes it to the disk. Raises KitError if either fails."""
        if self._file is not None:
            with writing(self._spec):
                self._file.close()
        if self._disk is not None:
            self._disk.close()

    def discard(self) -> None:
        """Closes the file and keeps its lines, which are complete and may be hours of results."""
        self.close()


def _ends_incomplete(path: Path) -> bool:
    """Whether the last line has no newline."""
    if not path.exists() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
