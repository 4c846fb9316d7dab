"""The event that the webhook was done with last, in a file beside the index, so that a lost index costs no event its sending.

Events are sent in their order: where the index is made again from the files, those after this one still wait.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Optional, Tuple

from runtime.common.files import write_text
from runtime.events.event import Event

NAME = ".sent"

# What events are ordered by where there is no index: `Event.clock` and `Event.id`.
Place = Tuple[float, str]


def place(event: Event) -> Place:
    """The place of an event among the others."""
    return event.clock, event.id


def note(folder: Path, event: Event) -> None:
    """Notes that `event` was taken, or given up. Without it, events may be sent twice at worst, so that no error matters."""
    with contextlib.suppress(OSError):
        write_text(folder / NAME, json.dumps(place(event)))


def read(folder: Path) -> Optional[Place]:
    """The place of the event that was noted last; None where there is none, or where a power cut has broken the file."""
    try:
        clock, name = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return float(clock), str(name)
    except (OSError, ValueError, TypeError):
        return None


def forget(folder: Path) -> None:
    """Forgets it, where nobody wants events any more. Raises OSError."""
    (folder / NAME).unlink(missing_ok=True)
