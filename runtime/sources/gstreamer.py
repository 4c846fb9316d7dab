"""A GStreamer pipeline, where OpenCV was built with it."""

from __future__ import annotations

import re
import threading
from typing import List, Optional

from runtime.common.errors import InputError, KitError
from runtime.common.opencv import cv2
from runtime.sources import Source
from runtime.sources._capture import CaptureSource, opened

KIND = "a GStreamer pipeline (gst:v4l2src ! ...)"

PREFIX = "gst:"

# A pipeline without an end gets this one: newest frames only, since a detector is slower than a camera.
END = "videoconvert ! video/x-raw,format=BGR ! appsink drop=true max-buffers=1 sync=false"

OPEN_SECONDS = 10.0


def accepts(spec: str) -> bool:
    return spec.startswith(PREFIX)


def connect(spec: str) -> Source:
    pipeline = spec[len(PREFIX) :].strip().rstrip("!").strip()
    if not pipeline:
        raise InputError(f"{spec}: a pipeline is missing, as in gst:videotestsrc")
    if not re.search(r"GStreamer:\s+YES", cv2.getBuildInformation()):
        raise InputError(
            f"{PREFIX} this OpenCV was built without GStreamer, as those from a package index are; use the system's "
            "(Debian and Raspberry Pi OS: python3-opencv, an environment made with --system-site-packages, and there "
            "pip uninstall opencv-python-headless)"
        )
    if "appsink" not in pipeline:
        pipeline = f"{pipeline} ! {END}"
    capture = _opener.open(pipeline)
    if capture is None or not capture.isOpened():
        raise KitError(f"{PREFIX} the pipeline does not start; try it with gst-launch-1.0 {_start(pipeline)}")
    return CaptureSource("GStreamer pipeline", capture, "the pipeline ended")


class _Opener:
    """Opens pipelines with a deadline: OpenCV before 4.9 waits for ever for one that gives nothing.

    A wait that was given up goes on in its thread, so that there is never more than one.
    """

    def __init__(self) -> None:
        self._waiting: Optional[threading.Thread] = None

    def open(self, pipeline: str) -> Optional[cv2.VideoCapture]:
        """None where it does not start in time, or an earlier one is still being waited for."""
        if self._waiting is not None and self._waiting.is_alive():
            return None
        done: List[cv2.VideoCapture] = []
        self._waiting = threading.Thread(
            target=lambda: done.append(opened(pipeline, cv2.CAP_GSTREAMER)), name="gstreamer", daemon=True
        )
        self._waiting.start()
        self._waiting.join(OPEN_SECONDS)
        return done[0] if done else None


_opener = _Opener()


def _start(pipeline: str) -> str:
    """Up to the sink, and without what looks like a secret."""
    shortened = re.sub(r"\S+://\S+|(?i:\S*(?:passw|user|token|key)\S*=\S+)", "...", pipeline)
    return shortened.rpartition("!")[0].strip()
