"""Cropped objects as image files, for example for text or license plate recognition."""

from __future__ import annotations

import argparse
import re
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from runtime.common import settings
from runtime.common.errors import InputError
from runtime.common.opencv import cv2
from runtime.common.options import fraction, positive, seconds
from runtime.common.values import Box, Detection, Frame
from runtime.media import images
from runtime.sinks import Sink, writing
from runtime.sources import Source
from runtime.telemetry.state import State

KIND = "cropped objects (crops:DIR)"

PREFIX = "crops:"
OPTION = "--crops"

MARGIN = 0.05
MOST_FILES = 10_000
MOST_MEGABYTES = 1_000

# Crops with a side under this, in pixels, are not written.
LEAST_SIDE = 8
# Seconds between two checks whether a full folder has room again.
RECHECK_SECONDS = 2.0

_READERS = {"margin": fraction, "every": seconds, "limit": positive, "megabytes": positive}


def options(parser: Any) -> None:
    """Adds `--crops`."""
    parser.add_argument(
        OPTION,
        metavar="DIR",
        help="write a crop of every object as an image into DIR; settings follow after commas "
        f"(margin={MARGIN:g}, every=SECONDS, limit={MOST_FILES}, megabytes={MOST_MEGABYTES})",
    )


def specs(arguments: argparse.Namespace) -> List[str]:
    """The sink that `--crops` asks for, if it was given."""
    return [f"{PREFIX}{arguments.crops}"] if arguments.crops else []


def accepts(spec: str) -> bool:
    """Whether `spec` names crops."""
    return spec.startswith(PREFIX)


def connect(spec: str, source: Source) -> Sink:
    """Makes the folder of crops. Raises InputError for wrong settings or a wrong folder."""
    name, found = settings.parse(spec[len(PREFIX) :], _READERS, OPTION)
    folder = Path(name)
    if not name or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{OPTION}: {name or 'nothing'} is no folder; give the name of one, which need not exist yet")
    if source.path is not None and folder.resolve() == source.path.resolve():
        raise InputError(f"{OPTION}: {name}: holds the source, whose images would mix with the crops")
    return Crops(folder, source, **found)


class Crops(Sink):
    """Writes files LABEL/FRAME_NUMBER.jpg, for example `person/20261124T221459.123Z_2.jpg`.

    FRAME is the time of a live source's frame, else the frame's name. NUMBER is the track, or the object's
    position in the frame. Files are complete when they appear. While the folder is full, crops are not written
    but counted as dropped. Nothing is ever removed; that is up to the program that reads the files.
    """

    def __init__(
        self,
        folder: Path,
        source: Source,
        margin: float = MARGIN,
        every: float = 0.0,
        limit: int = MOST_FILES,
        megabytes: int = MOST_MEGABYTES,
    ) -> None:
        """`margin` is the share of the box that is added on every side.

        `every` is the least number of seconds,
        in frame time, between two crops of the same track, or of the same class without tracking. `limit` is
        the number of files and `megabytes` their size at which the folder is full.
        """
        # On a live source, a crop that cannot be written must not end the run.
        self.lossless = not source.live
        self._folder = folder
        self._source = source
        self._margin = margin
        self._every = every
        self._quota = _Quota(folder, limit, megabytes)
        self._state: Optional[State] = None
        self._taken: Dict[Union[int, str], float] = {}

    def attach(self, state: State) -> None:
        """See `Sink.attach`."""
        self._state = state

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Writes the crops of a frame. Raises KitError if one cannot be written."""
        due = {key for key in map(_key, detections) if self._is_due(key, frame.steady_time)}
        image: Optional[np.ndarray] = None
        for place, detection in enumerate(detections):
            if _key(detection) not in due:
                continue
            left, top, right, bottom = grown(detection.box, self._margin, *frame.image.shape[1::-1])
            if min(right - left, bottom - top) < LEAST_SIDE:
                continue
            if not self._quota.has_room():
                if self._state is not None:
                    self._state.dropped_by_sink(self.name)
                continue
            if image is None:
                image = frame.image if frame.color == "BGR" else cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
            self._taken[_key(detection)] = frame.steady_time
            path = self._folder / _plain(detection.label) / self._file_name(frame, place, detection)
            with writing(path):
                images.write(path, image[top:bottom, left:right])
                self._quota.add(path.stat().st_size)

    def _is_due(self, key: Union[int, str], now: float) -> bool:
        if not self._every:
            return True
        last = self._taken.get(key)
        # Time goes back when a video starts again.
        if last is not None and 0 <= now - last < self._every:
            return False
        if len(self._taken) > 1000:
            self._taken = {old: time for old, time in self._taken.items() if 0 <= now - time < self._every}
        return True

    def _file_name(self, frame: Frame, place: int, detection: Detection) -> str:
        if self._source.live:
            stamp = datetime.fromtimestamp(frame.time, timezone.utc)
            name = f"{stamp:%Y%m%dT%H%M%S}.{stamp.microsecond // 1000:03d}Z"
        else:
            name = Path(self._source.name_of(frame)).stem
        return f"{name}_{place if detection.track is None else detection.track}.jpg"


def grown(box: Box, margin: float, width: int, height: int) -> Tuple[int, int, int, int]:
    """Enlarges `box` by `margin` of its width and height on every side.

    Returns left, top, right and bottom in whole pixels, clipped to an image of `width` x `height`.
    """
    across, down = margin * box.width, margin * box.height
    left, top = max(0, int(box.xmin - across)), max(0, int(box.ymin - down))
    right, bottom = min(width, int(np.ceil(box.xmax + across))), min(height, int(np.ceil(box.ymax + down)))
    return left, top, max(left, right), max(top, bottom)


class _Quota:
    """Tracks how many files a folder has. When it is full, it is listed again every RECHECK_SECONDS."""

    def __init__(self, folder: Path, limit: int, megabytes: int) -> None:
        self._folder = folder
        self._limit = limit
        self._most = 1_000_000 * megabytes
        self._files = self._bytes = 0
        self._recheck_at = 0.0
        self._warned = False

    def has_room(self) -> bool:
        if self._recheck_at == 0.0 or (self._is_full() and time.monotonic() >= self._recheck_at):
            self._count_files()
        if self._is_full() and not self._warned:
            self._warned = True
            print(
                f"warning: {self._folder}: holds {self._files} files, {self._bytes / 1e6:.0f} MB; crops are dropped "
                "and counted until there is room again",
                file=sys.stderr,
            )
        return not self._is_full()

    def add(self, size: int) -> None:
        self._files += 1
        self._bytes += size

    def _is_full(self) -> bool:
        return self._files >= self._limit or self._bytes >= self._most

    def _count_files(self) -> None:
        sizes = []
        for path in self._folder.rglob("*.jpg"):
            try:
                sizes.append(path.stat().st_size)
            except OSError:
                # Another program has removed it in the meantime.
                continue
        self._files, self._bytes = len(sizes), sum(sizes)
        self._recheck_at = time.monotonic() + RECHECK_SECONDS
        self._warned = self._warned and self._is_full()


def _key(detection: Detection) -> Union[int, str]:
    """The track, or the class of an object without one."""
    return detection.label if detection.track is None else detection.track


def _plain(label: str) -> str:
    """The folder name for a class."""
    return re.sub(r"[^\w-]+", "_", label).strip("_") or "class"
