"""Tracks objects: gives each one a number that it keeps from frame to frame."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np

from runtime.common.errors import InputError
from runtime.common.options import seconds
from runtime.common.values import Detection, Frame, Labels
from runtime.filters import Filter

LOST_SECONDS = 1.0

# Least IoU between a box and the predicted box of a track for the two to be matched.
OVERLAP = 0.25


def options(parser: Any) -> None:
    """Adds `--track` and `--track-lost`."""
    parser.add_argument("--track", action="store_true", help="track objects: each keeps its number from frame to frame")
    parser.add_argument(
        "--track-lost",
        metavar="SECONDS",
        type=seconds,
        default=LOST_SECONDS,
        help=f"seconds that an object may be out of sight and keep its number (default: {LOST_SECONDS:g})",
    )


def connect(arguments: argparse.Namespace, labels: Labels) -> Optional[Filter]:
    """The filter for `--track`, which outputs may switch on too. Raises InputError if the tracker is not installed."""
    return Tracker(arguments.track_lost) if arguments.track else None


class Tracker:
    """ByteTrack (Zhang et al., ECCV 2022, https://arxiv.org/abs/2110.06864), from the package edgefirst-tracker.

    Numbers start at 1 and are not reused within a run. An object keeps its number when its class changes,
    since detectors alternate between similar classes such as car and truck.
    """

    def __init__(self, lost: float = LOST_SECONDS) -> None:
        """`lost` is the number of seconds, in frame time, for which an object that is not detected is kept.

        Raises InputError if edgefirst-tracker is not installed.
        """
        try:
            from edgefirst.tracker import ByteTrack
        except ImportError as error:
            raise InputError(
                f"--track needs the package edgefirst-tracker ({error}), and so do --zone, --line and --events, which track "
                "objects: pip install edgefirst-tracker"
            ) from error
        # Any detection may start a track: the detector's threshold has already decided which ones count.
        self._make: Callable[[], Any] = partial(ByteTrack, high_conf=0.0, iou=OVERLAP, lifespan_ns=int(1e9 * lost))
        self._lost = lost
        self._tracks = self._make()
        self._numbers: Dict[str, Tuple[int, float]] = {}
        self._last = 0
        self._time = float("-inf")

    def continue_from(self, before: Tracker) -> None:
        """Goes on with the tracks of another tracker, so that objects keep their numbers when the model is replaced."""
        self._make, self._lost = before._make, before._lost
        self._tracks, self._numbers = before._tracks, before._numbers
        self._last, self._time = before._last, before._time

    def __call__(self, frame: Frame, detections: Tuple[Detection, ...]) -> Tuple[Detection, ...]:
        """Returns the detections with their `track` set. Frames must come in the order of their times."""
        if frame.steady_time < self._time:
            # A video starts again, or the clock was set of a camera whose frames have no other: no track continues.
            self._tracks, self._numbers = self._make(), {}
        self._time = frame.steady_time
        boxes = np.array([detection.box.as_tuple() for detection in detections], np.float32).reshape(-1, 4)
        scores = np.array([detection.score for detection in detections], np.float32)
        classes = np.array([detection.class_id for detection in detections], np.uintp)
        tracks = self._tracks.update(boxes, scores, classes, int(1e9 * self._time))
        numbered = tuple(
            detection if track is None else replace(detection, track=self._number(track.uuid))
            for detection, track in zip(detections, tracks)
        )
        self._forget()
        return numbered

    def _number(self, identity: str) -> int:
        known = self._numbers.get(identity)
        if known is None:
            self._last += 1
        number = known[0] if known else self._last
        self._numbers[identity] = (number, self._time)
        return number

    def _forget(self) -> None:
        # Later than the tracker itself, which drops a track only at its next update.
        oldest = self._time - 2 * self._lost - 1.0
        if any(seen < oldest for _, seen in self._numbers.values()):
            self._numbers = {key: value for key, value in self._numbers.items() if value[1] >= oldest}
