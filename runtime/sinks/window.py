"""A window on this machine's screen."""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import Any, List, Optional, Sequence

from runtime.common.errors import InputError
from runtime.common.opencv import cv2
from runtime.common.values import Detection, Frame
from runtime.media import drawing
from runtime.sinks import Sink
from runtime.sources import Source
from runtime.telemetry.state import State

KIND = "a window (window:)"

SPEC = "window:"
# Largest size at which the window opens, in pixels; the user may enlarge it.
WIDEST, HIGHEST = 1280, 720
# q, Q and Escape.
CLOSING = frozenset((ord("q"), ord("Q"), 27))


def options(parser: Any) -> None:
    """Adds `--window`."""
    parser.add_argument(
        "--window", action="store_true", help="show the frames in a window; q, Escape or closing it ends the run"
    )


def specs(arguments: argparse.Namespace) -> List[str]:
    """The sink that `--window` asks for, if it was given."""
    return [SPEC] if arguments.window else []


def accepts(spec: str) -> bool:
    """Whether `spec` names the window."""
    return spec == SPEC


def connect(spec: str, source: Source) -> Sink:
    """Makes the window. Raises InputError if this machine or OpenCV has no windows."""
    if re.search(r"GUI:\s+NONE", cv2.getBuildInformation()):
        raise InputError(
            "--window: this is OpenCV's headless build, which has no windows; install the kit's extra `window` in an "
            "environment of its own, or look at the page of --serve"
        )
    # Qt ends the process if it finds no screen.
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise InputError("--window: there is no screen here (DISPLAY is not set); look at the page of --serve instead")
    # The Qt in OpenCV's build warns about fonts that it does not use.
    os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")
    return Window(source.name or "detections")


class Window(Sink):
    """Shows the newest frame. Closing the window ends the run."""

    lossless = False
    on_main_thread = True

    def __init__(self, title: str) -> None:
        self._title = title
        self._state: Optional[State] = None
        self._shown = False

    def attach(self, state: State) -> None:
        """See `Sink.attach`."""
        self._state = state

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Shows the annotated frame."""
        # Do not open the window again for frames that were in the queue when the user closed it.
        if self._closed_by_user() or (self._state is not None and self._state.stopping):
            self._stop()
            return
        if not self._shown:
            self._open(*frame.image.shape[1::-1])
        cv2.imshow(self._title, drawing.annotated(frame, detections))
        if cv2.waitKey(1) & 0xFF in CLOSING:
            self._stop()

    def close(self) -> None:
        """Closes the window."""
        if self._shown and not self._closed_by_user():
            cv2.destroyAllWindows()

    def discard(self) -> None:
        """Same as `close`."""
        self.close()

    def _stop(self) -> None:
        if self._state is not None:
            self._state.stop()

    def _open(self, width: int, height: int) -> None:
        # WINDOW_GUI_NORMAL: without the toolbar of the Qt build.
        cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        scale = min(1.0, WIDEST / width, HIGHEST / height)
        cv2.resizeWindow(self._title, max(1, round(scale * width)), max(1, round(scale * height)))
        self._shown = True

    def _closed_by_user(self) -> bool:
        try:
            return self._shown and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:
            # The Qt build raises for every window once its last one is closed.
            return True
