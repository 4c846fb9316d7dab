"""Tiles: each frame is three inputs of the engine, and one frame in every count."""

from __future__ import annotations

from typing import Any, Dict, List

from tests.support.soak.parts import Part, Place
from tests.support.soak.verdict import Check


def connect(place: Place) -> Part:
    return Tiles()


class Tiles(Part):
    """What is counted of frames is checked for any soak; here, that something is found through tiles."""

    words = ("--tiles", "2x1")

    def judge(self, final: Dict[str, Any]) -> List[Check]:
        frames, found = final["frames"], final["detections"]
        return [Check("objects are found through tiles", 0 < frames <= 2 * found, f"{found} in {frames} frames")]
