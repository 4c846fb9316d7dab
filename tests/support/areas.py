"""A zone and a line that an object has come over."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from runtime.areas.areas import line, zone
from runtime.common.values import Box, Detection, Frame
from runtime.zones.watch import Save, Watch


def crossed_watch(door: str = "door", save: Optional[Save] = None, **settings: Any) -> Watch:
    """A line `door` across the middle and a zone `desk` below it, which a person has crossed downwards and stands in."""
    given = [line(f"{door}=0,0.5,1,0.5"), zone("desk=0,0.5,1,0.5,1,1,0,1")]
    watch = Watch(given, is_tracked=True, save=save, **settings)
    for index, bottom in enumerate((60, 60, 140, 140)):
        person = Detection("person", 0, 0.9, Box(180, bottom - 40, 220, bottom), 1)
        watch(Frame(np.zeros((200, 400, 3), np.uint8), index, index / 10), (person,))
    return watch
