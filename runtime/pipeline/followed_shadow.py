"""A second model behind a link: it is loaded, replaced and ended as the link says, while the run goes on.

`devices.update` makes such a link for a release that it holds back until it has been compared with the one that runs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
import time
import uuid
from typing import ContextManager, Optional, Tuple, Union

from runtime.common.errors import InputError
from runtime.common.values import Frame
from runtime.frames.regions import Crop
from runtime.pipeline.capture import error_text
from runtime.pipeline.shadow import OPTION, Deliver, Judged, Prepared, Shadow, parse
from runtime.telemetry import kept_comparison
from runtime.telemetry.comparison import Comparison
from runtime.telemetry.health import sha256_of
from runtime.telemetry.state import State

# Seconds between two looks at the link, which cost next to nothing. A signal would also load the first model again.
_TICK = 1.0
# Seconds that a model which is just being loaded has to be there when the run ends.
_END_SECONDS = 0.4

# What a file is known by: its path without links, and its device, inode, size and time.
_Identity = Tuple[str, int, int, int, int]


def open_shadow(options: argparse.Namespace, state: State, deliver: Deliver) -> ContextManager[Union[Shadow, FollowedShadow]]:
    """The second model of `options.shadow`. Raises InputError or KitError if it cannot be loaded and is not followed."""
    if parse(options.shadow).follow:
        return FollowedShadow(options, state, deliver)
    return Shadow(options, state, deliver)


class FollowedShadow:
    """Follows a link for the duration of its `with` block.

    Without a file there is no second model, and nothing is wrong. What was compared of a release is kept from run to run. One that cannot be loaded is told by `State.compared`,
    and left alone until the link names another file.
    """

    def __init__(self, options: argparse.Namespace, state: State, deliver: Deliver, every: float = _TICK) -> None:
        """The link is looked at `every` so many seconds."""
        self._options = options
        self._link = parse(options.shadow).file
        self._state = state
        self._deliver = deliver
        self._every = every
        self._identity: Optional[_Identity] = None
        self._shadow: Optional[Shadow] = None
        # The id of the comparison that runs.
        self._id = ""
        self._saving = threading.Lock()
        self._save_at = time.monotonic() + kept_comparison.SAVE_SECONDS
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follow shadow", daemon=True)

    def __enter__(self) -> FollowedShadow:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._save()
        # A thread that still loads a model ends it afterwards, or with this process.
        self._thread.join(_END_SECONDS)

    def prepare(self, frame: Frame, crop: Optional[Crop] = None, judged: Optional[Judged] = None) -> Optional[Prepared]:
        """As `Shadow.prepare`; None where there is no second model."""
        shadow = self._shadow
        return shadow.prepare(frame, crop, judged) if shadow is not None else None

    def _run(self) -> None:
        while not self._ended.is_set():
            found = _identity(self._link)
            if found != self._identity:
                self._close()
                self._state.compared(None)
                self._identity = found
                if found is not None:
                    self._open(found[0])
            comparison = self._state.comparison
            if comparison is not None and comparison.id != self._id:
                # It has begun, or begun anew with another first model.
                self._id = comparison.id
                kept_comparison.forget_others(comparison)
            if time.monotonic() >= self._save_at:
                self._save()
            self._ended.wait(self._every)
        self._close()

    def _save(self) -> None:
        self._save_at = time.monotonic() + kept_comparison.SAVE_SECONDS
        with self._saving:
            comparison = self._state.comparison
            if comparison is not None and self._shadow is not None:
                kept_comparison.save(comparison)

    def _open(self, file: str) -> None:
        print(f"{OPTION}: loading {file}", file=sys.stderr)
        try:
            shadow = Shadow(self._options, self._state, self._deliver, file, resume=True)
        except Exception as error:
            # Any error: the run goes on, and this thread must be there for the next file.
            reason = error_text(error)
            print(f"{OPTION}: {file}: cannot be loaded: {reason}", file=sys.stderr)
            may_pass = not isinstance(error, InputError)
            self._state.compared(
                Comparison(uuid.uuid4().hex, file, sha256_of(file), self._state.path, error=reason, may_pass=may_pass)
            )
            return
        self._shadow = shadow.__enter__()

    def _close(self) -> None:
        shadow, self._shadow = self._shadow, None
        if shadow is not None:
            shadow.__exit__()


def _identity(link: str) -> Optional[_Identity]:
    """What the file behind the link is known by; None where there is none, or where the link is just being changed."""
    path = os.path.realpath(link)
    with contextlib.suppress(OSError):
        status = os.stat(path)
        # Of a link that appears in between, the path would be that of the link itself.
        if os.path.realpath(link) == path:
            return path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
    return None
