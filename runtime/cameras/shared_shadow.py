"""One second model for several cameras: each comes to it with a share of its frames."""

from __future__ import annotations

import threading
from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np

from runtime.common.values import Detection, Frame
from runtime.pipeline.shadow import Shadow
from runtime.sinks import Sink


class SharedShadow:
    """Lets one camera at a time use the second model, which takes one frame at a time."""

    def __init__(self, make: Callable[[Callable[..., None]], Shadow]) -> None:
        """`make` makes the second model, and gets the function that takes what it finds."""
        self._lock = threading.Lock()
        self._user: Optional[ShadowShare] = None
        self.shadow = make(self._deliver)

    def share(self, sinks: Sequence[Sink]) -> ShadowShare:
        """One camera's `Shadow`, with the sinks that take what the second model finds in its frames."""
        return ShadowShare(self, sinks)

    def prepare(self, user: ShadowShare, frame: Frame) -> Optional[List[np.ndarray]]:
        """As `Shadow.prepare`, for one of the cameras."""
        with self._lock:
            tensors = self.shadow.prepare(frame)
            if tensors is not None:
                self._user = user
            return tensors

    def compare(
        self, user: ShadowShare, frame: Frame, detections: Tuple[Detection, ...], tensors: List[np.ndarray]
    ) -> None:
        """As `Shadow.compare`. Where another camera has come since `prepare`, the frame is left out."""
        with self._lock:
            if self._user is user:
                self.shadow.compare(frame, detections, tensors)

    def _deliver(self, frame: Frame, counted: Tuple[Detection, ...], other: Tuple[Detection, ...]) -> None:
        # Nobody else gets the model before this frame is done.
        user = self._user
        for sink in user.sinks if user is not None else ():
            sink.compare(frame, counted, other)


class ShadowShare:
    """To one loop, the second model."""

    def __init__(self, shared: SharedShadow, sinks: Sequence[Sink]) -> None:
        self.sinks = tuple(sinks)
        self._shared = shared

    def prepare(self, frame: Frame) -> Optional[List[np.ndarray]]:
        """See `Shadow.prepare`."""
        return self._shared.prepare(self, frame)

    def compare(self, frame: Frame, detections: Tuple[Detection, ...], tensors: List[np.ndarray]) -> None:
        """See `Shadow.compare`."""
        self._shared.compare(self, frame, detections, tensors)
