"""A network stream: RTSP, or MJPEG and other formats over HTTP."""

from __future__ import annotations

import os
import re
from typing import Sequence
from urllib.parse import urlsplit

from runtime.common import redaction
from runtime.common.errors import InputError, KitError
from runtime.common.opencv import cv2
from runtime.sources import Source, _stream_fault
from runtime.sources._capture import CaptureSource, opened

KIND = "a stream (rtsp://, http://)"

SCHEMES = ("rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp")

OPEN_SECONDS = 10
READ_SECONDS = 5

# Over UDP, one lost packet corrupts the image until the next key frame, so it is tried only where a camera refuses TCP.
# Users who prefer UDP set the variable.
VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
TCP, UDP = "rtsp_transport;tcp", "rtsp_transport;udp"
os.environ.setdefault(VARIABLE, TCP)


def accepts(spec: str) -> bool:
    """Whether `spec` names a network stream."""
    return spec.partition("://")[0].lower() in SCHEMES and "://" in spec


def connect(spec: str) -> Source:
    """Opens a network stream. Raises InputError for a wrong address, KitError if no stream can be opened."""
    scheme, separator, rest = spec.partition("://")
    # FFmpeg knows its protocols in lower case only.
    spec = f"{scheme.lower()}{separator}{rest}"
    name = redaction.address(spec)
    if not _host(spec):
        raise InputError(f"{name}: names no host; an address is rtsp://HOST:PORT/PATH{_encoding(spec)}")
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 1000 * OPEN_SECONDS,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC, 1000 * READ_SECONDS,
    ]  # fmt: skip
    capture = opened(spec, cv2.CAP_FFMPEG, limits)
    if not capture.isOpened():
        fault = _stream_fault.find(spec) or "is the address right, and can this machine reach it?"
        if fault == _stream_fault.ANSWERS and spec.startswith("rtsp:") and os.environ[VARIABLE] == TCP:
            capture = _opened_over_udp(spec, limits)
    if not capture.isOpened():
        raise KitError(f"{name}: no stream can be opened there: {fault}{_encoding(spec)}")
    return CaptureSource(name, capture, f"the sender has ended, or sent nothing for {READ_SECONDS} s")


def _opened_over_udp(spec: str, limits: Sequence[int]) -> cv2.VideoCapture:
    os.environ[VARIABLE] = UDP
    try:
        return opened(spec, cv2.CAP_FFMPEG, limits)
    finally:
        os.environ[VARIABLE] = TCP


def _encoding(address: str) -> str:
    """What to do where a user or password has characters that end it in an address; empty where none has."""
    user = address.partition("://")[2].rpartition("@")[0]
    if not user:
        return ""
    return "; in a user or password write # as %23, ? as %3F, / as %2F, @ as %40" if re.search("[#?/@]", user) else ""


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
