"""The objects themselves, cut out of their frames: for a reader of texts or plates, or to look at."""

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

KIND = "cut-out objects (crops:DIR)"

PREFIX = "crops:"
OPTION = "--crops"

MARGIN = 0.05
MOST_FILES = 10_000
MOST_MEGABYTES = 1_000

# Under this, in pixels, a cut-out shows nothing to anybody.
LEAST_SIDE = 8
# How often a full folder is looked at again, in seconds.
LOOK_AGAIN = 2.0

_READERS = {"margin": fraction, "every": seconds, "limit": positive, "megabytes": positive}


def options(parser: Any) -> None:
    parser.add_argument(
        OPTION,
        metavar="DIR",
        help="write every object, cut out of its frame, into DIR; "
        f"DIR,margin={MARGIN:g},every=SECONDS,limit={MOST_FILES},megabytes={MOST_MEGABYTES} sets more",
    )


def specs(arguments: argparse.Namespace) -> List[str]:
    return [f"{PREFIX}{arguments.crops}"] if arguments.crops else []


def accepts(spec: str) -> bool:
    return spec.startswith(PREFIX)


def connect(spec: str, source: Source) -> Sink:
    name, found = settings.parse(spec[len(PREFIX) :], _READERS, OPTION)
    folder = Path(name)
    if not name or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{OPTION}: {name or 'nothing'} is no folder; give the name of one, which need not exist yet")
    if source.path is not None and folder.resolve() == source.path.resolve():
        raise InputError(f"{OPTION}: {name}: holds the source, whose images would mix with the cut-outs")
    return Crops(folder, source, **found)


class Crops(Sink):
    """Files LABEL/FRAME_NUMBER.jpg, where FRAME is the time of a live source's frame and else its name,
    and NUMBER the track, or the object's place in the frame: `person/20261124T221459.123Z_2.jpg`.

    A file appears when it is whole. Nothing is written while the folder is full, and nothing is
    removed, ever: that is for the program that reads the files. What is left out is counted.
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
        """`margin` is a share of the box, added on every side; `every` the seconds from one cut-out of an
        object (where tracked; else of a class) to its next, in the time of the frames.
        """
        # Who watches a camera for months would rather miss a cut-out than the camera.
        self.lossless = not source.live
        self._folder = folder
        self._source = source
        self._margin = margin
        self._every = every
        self._room = _Room(folder, limit, megabytes)
        self._state: Optional[State] = None
        self._taken: Dict[Union[int, str], float] = {}

    def attach(self, state: State) -> None:
        self._state = state

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        due = {key for key in map(_key, detections) if self._is_due(key, frame.time)}
        image: Optional[np.ndarray] = None
        for place, detection in enumerate(detections):
            if _key(detection) not in due:
                continue
            left, top, right, bottom = grown(detection.box, self._margin, *frame.image.shape[1::-1])
            if min(right - left, bottom - top) < LEAST_SIDE:
                continue
            if not self._room.left():
                if self._state is not None:
                    self._state.dropped_by_sink(self.name)
                continue
            if image is None:
                image = frame.image if frame.color == "BGR" else cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
            self._taken[_key(detection)] = frame.time
            path = self._folder / _plain(detection.label) / self._file_name(frame, place, detection)
            with writing(path):
                images.write(path, image[top:bottom, left:right])
                self._room.use(path.stat().st_size)

    def _is_due(self, key: Union[int, str], now: float) -> bool:
        if not self._every:
            return True
        last = self._taken.get(key)
        # Time goes back where a video begins again.
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
            name = Path(self._source.file_name(frame.index)).stem
        return f"{name}_{place if detection.track is None else detection.track}.jpg"


def grown(box: Box, margin: float, width: int, height: int) -> Tuple[int, int, int, int]:
    """Left, top, right and bottom of `box` with `margin` of its sides added, in whole pixels inside
    an image of `width` x `height`.
    """
    across, down = margin * box.width, margin * box.height
    left, top = max(0, int(box.xmin - across)), max(0, int(box.ymin - down))
    right, bottom = min(width, int(np.ceil(box.xmax + across))), min(height, int(np.ceil(box.ymax + down)))
    return left, top, max(left, right), max(top, bottom)


class _Room:
    """How much more a folder may hold; looks again, now and then, once it is full."""

    def __init__(self, folder: Path, limit: int, megabytes: int) -> None:
        self._folder = folder
        self._limit = limit
        self._most = 1_000_000 * megabytes
        self._files = self._bytes = 0
        self._look_at = 0.0
        self._told = False

    def left(self) -> bool:
        if self._look_at == 0.0 or (self._is_full() and time.monotonic() >= self._look_at):
            self._look()
        if self._is_full() and not self._told:
            self._told = True
            print(
                f"warning: {self._folder}: holds {self._files} files, {self._bytes / 1e6:.0f} MB; cut-outs are left out "
                "and counted until there is room again",
                file=sys.stderr,
            )
        return not self._is_full()

    def use(self, size: int) -> None:
        self._files += 1
        self._bytes += size

    def _is_full(self) -> bool:
        return self._files >= self._limit or self._bytes >= self._most

    def _look(self) -> None:
        sizes = []
        for path in self._folder.rglob("*.jpg"):
            try:
                sizes.append(path.stat().st_size)
            except OSError:
                # The reader has taken it away meanwhile.
                continue
        self._files, self._bytes = len(sizes), sum(sizes)
        self._look_at = time.monotonic() + LOOK_AGAIN
        self._told = self._told and self._is_full()


def _key(detection: Detection) -> Union[int, str]:
    return detection.label if detection.track is None else detection.track


def _plain(label: str) -> str:
    """A folder's name for a class."""
    return re.sub(r"[^\w-]+", "_", label).strip("_") or "class"
