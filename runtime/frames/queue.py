"""The short queue between a source and the detector, and what it does when it is full."""

from __future__ import annotations

import argparse
import re
import threading
from collections import deque
from dataclasses import dataclass
from typing import Callable, Deque, Optional

from runtime.common.values import Frame

# Size of the queue if no frame is dropped: one frame to process next, and one for a source with uneven timing.
BLOCK_SIZE = 2
DEFAULT_SIZE = 4


@dataclass(frozen=True)
class Policy:
    """What a full queue does.

    `latest` keeps the newest frame only, `drop-oldest` the newest `size` frames; `block` drops none and
    makes the source wait.
    """

    name: str
    size: int

    @property
    def drops(self) -> bool:
        """Whether frames may be dropped."""
        return self.name != "block"

    def __str__(self) -> str:
        return f"{self.name}:{self.size}" if self.name == "drop-oldest" else self.name


LATEST = Policy("latest", 1)
BLOCK = Policy("block", BLOCK_SIZE)


def policy(text: str) -> Policy:
    """Argparse type: `latest`, `block`, `drop-oldest` or `drop-oldest:N`."""
    match = re.fullmatch(r"drop-oldest(?:[: ]+([1-9]\d{0,3}))?", text)
    if match:
        return Policy("drop-oldest", int(match.group(1) or DEFAULT_SIZE))
    for known in (LATEST, BLOCK):
        if text == known.name:
            return known
    raise argparse.ArgumentTypeError(f"{text!r} is not latest, block, drop-oldest or drop-oldest:N")


@dataclass(frozen=True, eq=False)
class Arrival:
    """A frame with the `time.perf_counter` of its arrival and the milliseconds that the source took for it."""

    frame: Frame
    at: float
    capture_ms: float


class FrameQueue:
    """A queue of frames between one thread that puts and one that takes."""

    def __init__(self, kind: Policy, dropped: Callable[[], None]) -> None:
        """`dropped` is called for each frame that a newer one replaces."""
        self.policy = kind
        self._dropped = dropped
        self._waiting: Deque[Arrival] = deque()
        # Other classes notify it too, for a thread that waits for a frame or for something else.
        lock = threading.RLock()
        self.changed = threading.Condition(lock)
        # For the thread that puts, which what concerns the other one only does not wake.
        self._emptied = threading.Condition(lock)
        self.closed = False

    def put(self, arrival: Arrival) -> None:
        """Adds a frame; with the policy `block`, a full queue must be empty first. After `close`, frames are ignored."""
        with self.changed:
            if not self.policy.drops and len(self._waiting) == self.policy.size:
                # Then it fills the queue at one go: a decoder that has just run is quicker, and threads change less.
                self._emptied.wait_for(lambda: not self._waiting or self.closed)
            if self.closed:
                return
            if len(self._waiting) == self.policy.size:
                self._waiting.popleft()
                self._dropped()
            self._waiting.append(arrival)
            self.changed.notify_all()

    def take(self, unless: Callable[[], bool] = lambda: False) -> Optional[Arrival]:
        """Waits for the next frame.

        None if the queue is closed and empty, or if it is empty and `unless` returns true. `unless` is
        called whenever `changed` is notified.
        """
        with self.changed:
            self.changed.wait_for(lambda: bool(self._waiting) or self.closed or unless())
            if not self._waiting:
                return None
            arrival = self._waiting.popleft()
            if not self._waiting:
                self._emptied.notify_all()
            return arrival

    @property
    def waiting(self) -> bool:
        """Whether a frame waits."""
        return bool(self._waiting)

    def close(self) -> None:
        """Ends the queue; frames that wait can still be taken."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
            self._emptied.notify_all()
