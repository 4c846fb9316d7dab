"""The model that several cameras use now, and how another one replaces it for all of them."""

from __future__ import annotations

import argparse
import threading
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Tuple

from runtime.common.errors import KitError
from runtime.common.values import Frame, Labels
from runtime.filters import Filter, open_filters
from runtime.inference.process.shared_engines import Lane, SharedEngines
from runtime.pipeline.active_model import ActiveModel, PendingSwap, Swap

# Seconds that frames in the engines have to come out before a device is closed for another model. The watchdog ends an engine
# that hangs.
_DRAIN_SECONDS = 60.0


@dataclass(eq=False)
class _User:
    options: argparse.Namespace
    # Of the model that the filters are for.
    labels: Labels
    filters: Tuple[Filter, ...]
    lane: Lane


class SharedModel:
    """Gives each camera an active model of its own: with the shared detector, the camera's filters, and a lane of engines."""

    def __init__(self, model: ActiveModel) -> None:
        """`model` is the one to begin with; its workers are shared from now on."""
        self._lock = threading.Lock()
        self._model = model
        self._engines = SharedEngines(model.workers)
        self._all = [self._engines]
        self._users: Dict[PendingSwap, _User] = {}
        self._error: Optional[BaseException] = None

    def join(self, options: argparse.Namespace, pending: PendingSwap) -> ActiveModel:
        """The model for a camera, which takes another one through `pending`. Raises InputError for wrong filters.

        Waits while a device is closed for another model.
        """
        with self._lock:
            labels = self._model.detector.labels
            user = _User(options, labels, tuple(open_filters(options, labels)), self._engines.lane())
            self._users[pending] = user
            return self._for(user, self._model)

    def leave(self, pending: PendingSwap) -> None:
        """The camera uses the model no longer."""
        user = self._users.pop(pending, None)
        if user is not None:
            user.lane.end()

    def end(self) -> None:
        """Gives nothing out of the engines any more."""
        for engines in self._all:
            engines.end()

    @property
    def error(self) -> Optional[BaseException]:
        """Why there is no model any more; None while there is one."""
        return self._error or self._engines.error

    @property
    def labels(self) -> Labels:
        """The classes of the present model."""
        return self._model.detector.labels

    @property
    def frame(self) -> Optional[Frame]:
        """The newest frame that a camera has preprocessed; a new model is tested on it."""
        return next((pending.frame for pending in list(self._users) if pending.frame is not None), None)

    def check(self, labels: Labels, cameras: List[argparse.Namespace]) -> Tuple[Filter, ...]:
        """Nothing. Raises InputError where a camera's options name a class that is not in `labels`."""
        for options in cameras:
            open_filters(options, labels)
            for name in options.blur or ():
                labels.checked(name, "--blur")
        return ()

    def offer(self, swap: Swap, cancel: Callable[[], None] = lambda: None) -> None:
        """Takes the model that `swap` gives, for all cameras; a device that it needs is free by then.

        Each camera changes between two of its frames; frames in flight keep the model that they were prepared for. Called in
        the thread that loads models. Where there is no model any more, all cameras end with the error.
        """
        with self._lock:
            handover = _Handover()
            before = self._engines

            def drain() -> None:
                self._hand_over(handover, drained=True)
                before.seal()
                if not before.join(_DRAIN_SECONDS):
                    raise KitError("frames did not come out of the engines, so that their device is not free")

            try:
                model = swap(drain)
            except Exception as error:
                self._hand_over(handover, drained=False)
                self._error = error
                handover.fail(error)
                return
            self._model, self._engines = model, SharedEngines(model.workers)
            self._all = [engines for engines in self._all if not engines.join(0)] + [self._engines]
            self._hand_over(handover, drained=False)
            handover.set(model, self._engines)
            before.seal()

    def _hand_over(self, handover: _Handover, drained: bool) -> None:
        """Offers what comes with `handover` to all cameras, once."""
        if handover.offered:
            return
        handover.offered = True

        for pending, user in list(self._users.items()):

            def take(drain: Callable[[], None], user: _User = user, pending: PendingSwap = pending) -> ActiveModel:
                if drained:
                    drain()
                model, engines = handover.wait()
                labels = model.detector.labels
                if labels != user.labels:
                    user.labels, user.filters = labels, tuple(open_filters(user.options, labels))
                user.lane = engines.lane()
                if self._users.get(pending) is not user:
                    user.lane.end()
                return self._for(user, model)

            pending.offer(take)

    def _for(self, user: _User, model: ActiveModel) -> ActiveModel:
        # A lane has what the loop needs of a worker.
        return ActiveModel(model.detector, user.filters, (user.lane,), model.score)  # type: ignore[arg-type]


class _Handover:
    """A model that cameras wait for."""

    def __init__(self) -> None:
        self.offered = False
        self._ready = threading.Event()
        self._given: Optional[Tuple[ActiveModel, SharedEngines]] = None
        self._error: Optional[Exception] = None

    def set(self, model: ActiveModel, engines: SharedEngines) -> None:
        self._given = (model, engines)
        self._ready.set()

    def fail(self, error: Exception) -> None:
        self._error = error
        self._ready.set()

    def wait(self) -> Tuple[ActiveModel, SharedEngines]:
        self._ready.wait()
        if self._given is None:
            raise self._error or KitError("there is no model")
        return self._given
