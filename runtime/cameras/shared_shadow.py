"""One second model for several cameras: each comes to it with a share of its frames."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Callable, ContextManager, FrozenSet, Optional, Sequence, Tuple, Union

from runtime.common.values import Detection, Frame
from runtime.frames.regions import Crop
from runtime.pipeline.followed_shadow import FollowedShadow
from runtime.pipeline.shadow import Deliver, Judged, Shadow, ToCompare
from runtime.sinks import Sink
from runtime.telemetry.state import State


class SharedShadow:
    """Lets one camera at a time use the second model, which takes one frame at a time."""

    def __init__(self, make: Callable[[Deliver], ContextManager[Union[Shadow, FollowedShadow]]]) -> None:
        """`make` makes the second model, and gets the function that takes what it finds."""
        self._lock = threading.Lock()
        self._user: Optional[ShadowShare] = None
        self.shadow = make(self._deliver)
        self._model: Union[Shadow, FollowedShadow, None] = None

    def __enter__(self) -> SharedShadow:
        self._model = self.shadow.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.shadow.__exit__(None, None, None)

    def share(self, sinks: Sequence[Sink], state: State, only: FrozenSet[str]) -> ShadowShare:
        """One camera's second model, with the sinks that take what it finds in its frames.

        `state` has the camera's threshold, and `only` are its classes, empty for all.
        """
        return ShadowShare(self, sinks, state, only)

    def prepare(self, user: ShadowShare, frame: Frame, crop: Optional[Crop]) -> Optional[ToCompare]:
        """As `Shadow.prepare`, for one of the cameras."""
        with self._lock:
            prepared = self._model.prepare(frame, crop, Judged(user.state.score, user.only)) if self._model else None
            if prepared is None:
                return None
            self._user = user
            return _Shared(self, user, prepared)

    def compare(self, shared: _Shared, frame: Frame, detections: Tuple[Detection, ...]) -> None:
        """As `Prepared.compare`. Where another camera has come since `prepare`, the frame is left out and counts as missed."""
        with self._lock:
            if self._user is shared.user:
                shared.prepared.compare(frame, detections)
            else:
                shared.prepared.leave_out()

    def _deliver(self, frame: Frame, counted: Tuple[Detection, ...], other: Tuple[Detection, ...]) -> None:
        # Nobody else gets the model before this frame is done.
        user = self._user
        for sink in user.sinks if user is not None else ():
            sink.compare(frame, counted, other)


class ShadowShare:
    """To one loop, the second model."""

    def __init__(self, shared: SharedShadow, sinks: Sequence[Sink], state: State, only: FrozenSet[str]) -> None:
        self.sinks = tuple(sinks)
        self.state = state
        self.only = only
        self._shared = shared

    def prepare(self, frame: Frame, crop: Optional[Crop]) -> Optional[ToCompare]:
        """See `Shadow.prepare`."""
        return self._shared.prepare(self, frame, crop)


@dataclass(frozen=True, eq=False)
class _Shared:
    """What the second model has prepared for the camera `user`."""

    shared: SharedShadow
    user: ShadowShare
    prepared: ToCompare

    def compare(self, frame: Frame, detections: Tuple[Detection, ...]) -> None:
        """See `Prepared.compare`."""
        self.shared.compare(self, frame, detections)

    def leave_out(self) -> None:
        """See `Prepared.leave_out`."""
        self.prepared.leave_out()
