"""A window on this machine's own screen."""

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
# How large a window opens, in pixels; it may be made larger.
WIDEST, HIGHEST = 1280, 720
# q, Q and Escape.
CLOSING = frozenset((ord("q"), ord("Q"), 27))


def options(parser: Any) -> None:
    parser.add_argument("--window", action="store_true", help="show the frames in a window; q or closing it ends the run")


def specs(arguments: argparse.Namespace) -> List[str]:
    return [SPEC] if arguments.window else []


def accepts(spec: str) -> bool:
    return spec == SPEC


def connect(spec: str, source: Source) -> Sink:
    if re.search(r"GUI:\s+NONE", cv2.getBuildInformation()):
        raise InputError(
            "--window: this is OpenCV's headless build, which has no windows; install the kit's extra `window` in an "
            "environment of its own, or look at the page of --serve"
        )
    # Qt ends the whole process where it finds no screen.
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise InputError("--window: there is no screen here (DISPLAY is not set); look at the page of --serve instead")
    # The build's Qt complains about fonts that it does not use.
    os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")
    return Window(source.name or "detections")


class Window(Sink):
    """Shows what is newest. Closing the window asks the run to end."""

    lossless = False
    on_main_thread = True

    def __init__(self, title: str) -> None:
        self._title = title
        self._state: Optional[State] = None
        self._shown = False

    def attach(self, state: State) -> None:
        self._state = state

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        # Whoever has closed the window does not want a new one for the frames that were under way.
        if self._closed_by_user() or (self._state is not None and self._state.stopping):
            self._stop()
            return
        if not self._shown:
            self._open(*frame.image.shape[1::-1])
        cv2.imshow(self._title, drawing.draw(frame.image, detections, frame.color))
        if cv2.waitKey(1) & 0xFF in CLOSING:
            self._stop()

    def close(self) -> None:
        if self._shown and not self._closed_by_user():
            cv2.destroyAllWindows()

    def discard(self) -> None:
        self.close()

    def _stop(self) -> None:
        if self._state is not None:
            self._state.stop()

    def _open(self, width: int, height: int) -> None:
        # Without the toolbar that the Qt build would add.
        cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        scale = min(1.0, WIDEST / width, HIGHEST / height)
        cv2.resizeWindow(self._title, max(1, round(scale * width)), max(1, round(scale * height)))
        self._shown = True

    def _closed_by_user(self) -> bool:
        try:
            return self._shown and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:
            # The Qt build forgets everything with its last window.
            return True
