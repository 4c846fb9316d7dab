"""A network stream through OpenCV: RTSP, or MJPEG and other formats over HTTP. `pyav` takes it where PyAV is installed."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Iterator, Sequence

from runtime.common.errors import KitError
from runtime.common.opencv import cv2
from runtime.sources import Source, _stream_address, _stream_fault
from runtime.sources._capture import CaptureSource, opened

KIND = "a stream (rtsp://, http://)"
LIVE = True

OPEN_SECONDS = 10
READ_SECONDS = 5

# Over UDP, one lost packet corrupts the image until the next key frame, so it is tried only where a camera refuses TCP.
# Users who prefer UDP set the variable.
VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
TCP, UDP = "rtsp_transport;tcp", "rtsp_transport;udp"
os.environ.setdefault(VARIABLE, TCP)
# It holds for the whole process: while one camera is opened over UDP, no other may be opened, which would be so too.
_FREE = threading.Condition()
_OVER_TCP, _OVER_UDP = "tcp", "udp"
_opening = {_OVER_TCP: 0, _OVER_UDP: 0}
# Twice what opening may take: one that hangs must not keep others from being opened for ever.
_MOST_SECONDS = 2.0 * OPEN_SECONDS


def accepts(spec: str) -> bool:
    """Whether `spec` names a network stream."""
    return _stream_address.accepts(spec)


def connect(spec: str) -> Source:
    """Opens a network stream. Raises InputError for a wrong address, KitError if no stream can be opened."""
    address, name = _stream_address.prepare(spec)
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 1000 * OPEN_SECONDS,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC, 1000 * READ_SECONDS,
    ]  # fmt: skip
    with _alone(_OVER_TCP):
        capture = opened(address, cv2.CAP_FFMPEG, limits)
    if not capture.isOpened():
        fault = _stream_fault.find(address) or _stream_fault.UNKNOWN
        # A server that has just refused TCP may be busy for a moment and say so.
        answers = fault == _stream_fault.ANSWERS or "answers 503" in fault
        if answers and address.startswith("rtsp:"):
            capture = _opened_over_udp(address, limits, capture)
    if not capture.isOpened():
        raise KitError(f"{name}: no stream can be opened there: {fault}{_stream_address.hint(address)}")
    return CaptureSource(name, capture, f"the sender has ended, or sent nothing for {READ_SECONDS} s")


def _opened_over_udp(address: str, limits: Sequence[int], refused: cv2.VideoCapture) -> cv2.VideoCapture:
    """The stream over UDP; `refused` where the user has chosen the transport."""
    with _alone(_OVER_UDP):
        if os.environ[VARIABLE] != TCP:
            return refused
        os.environ[VARIABLE] = UDP
        try:
            return opened(address, cv2.CAP_FFMPEG, limits)
        finally:
            os.environ[VARIABLE] = TCP


@contextlib.contextmanager
def _alone(transport: str) -> Iterator[None]:
    """Waits until no camera is being opened over the other transport; over UDP, one is at a time."""
    with _FREE:
        _FREE.wait_for(
            lambda: not _opening[_OVER_UDP] and (transport == _OVER_TCP or not _opening[_OVER_TCP]), _MOST_SECONDS
        )
        _opening[transport] += 1
    try:
        yield
    finally:
        with _FREE:
            _opening[transport] -= 1
            _FREE.notify_all()
