"""A GStreamer pipeline, where OpenCV was built with it."""

from __future__ import annotations

import re

from runtime.errors import InputError, KitError
from runtime.opencv import cv2
from runtime.sources import Source
from runtime.sources._capture import CaptureSource, opened

KIND = "a GStreamer pipeline (gst:v4l2src ! ...)"

PREFIX = "gst:"

# A pipeline without an end gets this one: newest frames only, since a detector is slower than a camera.
END = "videoconvert ! video/x-raw,format=BGR ! appsink drop=true max-buffers=1 sync=false"


def accepts(spec: str) -> bool:
    return spec.startswith(PREFIX)


def connect(spec: str) -> Source:
    pipeline = spec[len(PREFIX) :].strip().rstrip("!").strip()
    if not pipeline:
        raise InputError(f"{spec}: a pipeline is missing, as in gst:videotestsrc")
    if not re.search(r"GStreamer:\s+YES", cv2.getBuildInformation()):
        raise InputError(
            f"{PREFIX} this OpenCV was built without GStreamer, as those from a package index are; use the system's "
            "(Debian and Raspberry Pi OS: python3-opencv, and python3 -m venv --system-site-packages)"
        )
    if "appsink" not in pipeline:
        pipeline = f"{pipeline} ! {END}"
    capture = opened(pipeline, cv2.CAP_GSTREAMER)
    if not capture.isOpened():
        raise KitError(f"{PREFIX} the pipeline does not start; try it with gst-launch-1.0 {_start(pipeline)}")
    return CaptureSource("GStreamer pipeline", capture, "the pipeline ended")


def _start(pipeline: str) -> str:
    """Up to the sink, and without what looks like a secret."""
    shortened = re.sub(r"\S+://\S+|(?i:\S*(?:passw|user|token|key)\S*=\S+)", "...", pipeline)
    return shortened.rpartition("!")[0].strip()
