"""One event, and its line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Dict, Tuple


@dataclass(frozen=True)
class Event:
    """An object that was tracked for a while.

    `id` names its files. `start` and `end` are seconds since 1970, of a video file since its beginning; they are `seconds`
    apart by a clock that nobody sets. `open` says that the object was still in view when the clip had its full length.
    `label` is the class that most of the score went to, `score` and `box` (xmin, ymin, xmax, ymax in pixels of the source)
    are those of the snapshot; `size` is the source's (width, height) in pixels. `zones` are the areas that it was in, in
    alphabetical order.
    `clip` is the name of the video, which events that overlap share, and empty where there is none; the object appears
    `offset` seconds after its beginning. `snapshot` is the name of the image. `clock` is the time of the store's own
    clock, see `runtime.events.age`.
    """

    id: str
    source: str
    label: str
    track: int
    start: float
    end: float
    seconds: float
    open: bool
    score: float
    box: Tuple[float, float, float, float]
    size: Tuple[int, int]
    zones: Tuple[str, ...] = ()
    clip: str = ""
    offset: float = 0.0
    snapshot: str = ""
    clock: float = 0.0

    def as_dict(self) -> Dict[str, Any]:
        """The event as values for JSON."""
        return asdict(self)

    def line(self) -> str:
        """The event as one line of JSON, without a newline."""
        return json.dumps(self.as_dict())

    @classmethod
    def parse(cls, text: str) -> Event:
        """Reads what `line` gives; fields of newer kits are ignored. Raises ValueError for any other text."""
        try:
            values = json.loads(text)
            known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
            for name in ("box", "size", "zones"):
                known[name] = tuple(known[name])
            event = cls(**known)
            if not (isinstance(event.id, str) and isinstance(event.clip, str)):
                raise ValueError("id and clip are texts")
            float(event.clock)
            return event
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"no event: {error!r}") from None
