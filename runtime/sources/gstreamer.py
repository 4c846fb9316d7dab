"""A GStreamer pipeline. Needs an OpenCV that was built with GStreamer."""

from __future__ import annotations

import re
import threading
from typing import List, Optional

from runtime.common.errors import InputError, KitError
from runtime.common.opencv import cv2
from runtime.sources import Source
from runtime.sources._capture import CaptureSource, opened

KIND = "a GStreamer pipeline (gst:v4l2src ! ...)"
LIVE = True

PREFIX = "gst:"

# Appended to a pipeline without an appsink. It keeps only the newest frame, since a detector is slower than a camera.
SINK = "videoconvert ! video/x-raw,format=BGR ! appsink drop=true max-buffers=1 sync=false"

OPEN_SECONDS = 10.0

# Addresses, and the values of properties that hold users and passwords, such as user-pw of rtspsrc.
_QUOTED_ADDRESS = r"""(?:"[^"]*://[^"]*"|'[^']*://[^']*')"""
_VALUE = r"""(?:"[^"]*"|'[^']*'|\S+)"""
_SECRET = re.compile(
    rf"(?i:[\w-]*(?:passw|pw|user|token|key|secret)[\w-]*\s*=\s*{_VALUE})|[\w-]+\s*=\s*{_QUOTED_ADDRESS}|\S+://\S+"
)


def accepts(spec: str) -> bool:
    """Whether `spec` names a GStreamer pipeline, `gst:...`."""
    return spec.startswith(PREFIX)


def connect(spec: str) -> Source:
    """Opens a GStreamer pipeline.

    Raises InputError for a wrong spec or an OpenCV without GStreamer,
    KitError if the pipeline does not start.
    """
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
        pipeline = f"{pipeline} ! {SINK}"
    capture = _opener.open(pipeline)
    if capture is None or not capture.isOpened():
        raise KitError(f"{PREFIX} the pipeline does not start; try it with gst-launch-1.0 {_without_sink(pipeline)}")
    return CaptureSource("GStreamer pipeline", capture, "the pipeline ended")


class _Opener:
    """Opens pipelines with a timeout: OpenCV before 4.9 waits forever for one that delivers nothing.

    After a timeout the wait continues in its thread; there is never more than one such thread.
    """

    def __init__(self) -> None:
        self._waiting: Optional[threading.Thread] = None

    def open(self, pipeline: str) -> Optional[cv2.VideoCapture]:
        """The open capture; None after a timeout, or while the thread of an earlier timeout still waits."""
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


def _without_sink(pipeline: str) -> str:
    """The pipeline up to its sink, without parts that look like secrets."""
    shortened = _SECRET.sub("...", pipeline)
    return shortened.rpartition("!")[0].strip()
