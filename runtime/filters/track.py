"""Gives every object a number that it keeps from frame to frame."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any, Dict, Optional, Tuple

import numpy as np

from runtime.common.errors import InputError
from runtime.common.options import seconds
from runtime.common.values import Detection, Frame, Labels
from runtime.filters import Filter

LOST_SECONDS = 1.0

# A box belongs to the track whose next place, as predicted, it overlaps by at least this share.
OVERLAP = 0.25


def options(parser: Any) -> None:
    parser.add_argument(
        "--track", action="store_true", help="number the objects, so that each keeps its number from frame to frame"
    )
    parser.add_argument(
        "--track-lost",
        metavar="SECONDS",
        type=seconds,
        default=LOST_SECONDS,
        help=f"for how long an object may be out of sight and keep its number (default {LOST_SECONDS:g})",
    )


def connect(arguments: argparse.Namespace, labels: Labels) -> Optional[Filter]:
    """Raises InputError where the tracker is not installed."""
    return Tracker(arguments.track_lost) if arguments.track else None


class Tracker:
    """ByteTrack (Zhang et al., ECCV 2022, https://arxiv.org/abs/2110.06864) as edgefirst-tracker has it.

    Numbers count from 1 and are never used twice in a run. An object may change its class and keep
    its number: detectors waver between car and truck.
    """

    def __init__(self, lost: float = LOST_SECONDS) -> None:
        """`lost` is for how many seconds of the frames' own time an unseen object is remembered."""
        try:
            from edgefirst.tracker import ByteTrack
        except ImportError as error:
            raise InputError(
                f"--track needs the package edgefirst-tracker ({error}): pip install edgefirst-tracker"
            ) from error
        # Every detection that is shown may begin a track: the detector's threshold is the user's
        # word on what is good enough.
        self._make = lambda: ByteTrack(high_conf=0.0, iou=OVERLAP, lifespan_ns=int(1e9 * lost))
        self._lost = lost
        self._tracks = self._make()
        self._numbers: Dict[str, Tuple[int, float]] = {}
        self._last = 0
        self._time = float("-inf")

    def __call__(self, frame: Frame, detections: Tuple[Detection, ...]) -> Tuple[Detection, ...]:
        """The same detections with their `track`; frames come in the order of their times."""
        if frame.time < self._time:
            # A video begins again, or a camera's clock was set: nothing before that continues.
            self._tracks, self._numbers = self._make(), {}
        self._time = frame.time
        boxes = np.array([detection.box.as_tuple() for detection in detections], np.float32).reshape(-1, 4)
        scores = np.array([detection.score for detection in detections], np.float32)
        classes = np.array([detection.class_id for detection in detections], np.uintp)
        found = self._tracks.update(boxes, scores, classes, int(1e9 * frame.time))
        numbered = tuple(
            detection if track is None else replace(detection, track=self._number(track.uuid))
            for detection, track in zip(detections, found)
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
        # The tracker itself forgets only when it looks, which may be a frame later.
        oldest = self._time - 2 * self._lost - 1.0
        if any(seen < oldest for _, seen in self._numbers.values()):
            self._numbers = {key: value for key, value in self._numbers.items() if value[1] >= oldest}
