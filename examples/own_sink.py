"""A sink of one's own: writes each detection as a row of an SQLite database.

    python examples/own_sink.py detector_int8.tflite street.mp4 --database detections.db
    sqlite3 detections.db 'SELECT label, COUNT(*) FROM detections GROUP BY label'

Copied to runtime/sinks/sqlite.py, the same file gives `python -m runtime ... --out sqlite:detections.db`: the kit finds
a sink by its place, and asks its `accepts` about each `--out`.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from typing import Optional, Sequence

from runtime import Detection, Frame, KitError, run
from runtime.sinks import Sink
from runtime.sources import Source

KIND = "an SQLite database (sqlite:NAME.db)"
PREFIX = "sqlite:"


def accepts(spec: str) -> bool:
    """Whether `spec`, what the user gave as --out, names such a sink."""
    return spec.startswith(PREFIX)


def connect(spec: str, source: Source) -> Sink:
    """Makes the sink, and no file yet: the kit wants a run that fails early to leave nothing."""
    return Database(spec[len(PREFIX) :])


class Database(Sink):
    """Takes frames and their detections; the kit calls `write` in a thread of the sink's own."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: Optional[sqlite3.Connection] = None

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Adds the detections of a frame. Raises KitError, which ends the run with one line."""
        rows = [(frame.index, frame.time, item.label, item.score, *item.box.as_tuple()) for item in detections]
        try:
            if self._connection is None:
                # `close` is called in another thread than `write`; never at the same time.
                self._connection = sqlite3.connect(self._path, check_same_thread=False)
                columns = "frame, time, label, score, xmin, ymin, xmax, ymax"
                self._connection.execute(f"CREATE TABLE IF NOT EXISTS detections ({columns})")
            with self._connection:  # one transaction: a frame is there whole or not at all
                self._connection.executemany("INSERT INTO detections VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise KitError(f"{self._path}: {error}; give another file") from error

    def close(self) -> None:
        """Ends the output."""
        if self._connection is not None:
            self._connection.close()


def main() -> None:
    """Reads the arguments and writes until the source ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", default="detector_int8.tflite", help="the detector")
    parser.add_argument("source", nargs="?", default="0", help="a video, a camera or a stream (default: camera 0)")
    parser.add_argument("--database", default="detections.db", help="the file to add to (default: detections.db)")
    arguments = parser.parse_args()
    with Database(arguments.database) as sink:
        for frame, detections in run(file=arguments.file, source=arguments.source):
            sink.write(frame, detections)


if __name__ == "__main__":
    try:
        main()
    except KitError as error:  # a missing file, a camera that is away: one line says what to do
        sys.exit(f"error: {error}")
