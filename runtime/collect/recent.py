"""What was kept lately, so that a scene that stays as it is isn't kept again and again."""

from __future__ import annotations

from collections import deque
from typing import Deque, Tuple

from runtime.boxes.agreement import agreement
from runtime.collect.fingerprint import distance
from runtime.collect.moment import Moment
from runtime.common.values import Detection

# Hashes that differ in at most this many of 64 bits are of one scene.
_SAME_SCENE = 8
_MOST = 200


class Recent:
    """The latest moments that were kept: their hashes and what was found, without their images."""

    def __init__(self) -> None:
        self._kept: Deque[Tuple[int, Tuple[Detection, ...]]] = deque(maxlen=_MOST)

    def add(self, fingerprint: int, moment: Moment) -> None:
        """Remembers `moment`, whose image has the hash `fingerprint`."""
        self._kept.append((fingerprint, _objects(moment)))

    def has(self, fingerprint: int, moment: Moment) -> bool:
        """Whether the same objects at the same places in the same scene were kept."""
        objects = _objects(moment)
        for known, others in self._kept:
            if distance(fingerprint, known) <= _SAME_SCENE and len(objects) == len(others):
                found = agreement(objects, others)
                if not found.first_only and not found.second_only:
                    return True
        return False


def _objects(moment: Moment) -> Tuple[Detection, ...]:
    return (*moment.detections, *moment.candidates)
