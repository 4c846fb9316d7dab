"""A network stream through PyAV: it tells why a stream cannot be opened, and when each frame was captured."""

from __future__ import annotations

import os
import sys
import threading
import time
from importlib.util import find_spec
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np

from runtime.common.errors import KitError
from runtime.common.values import Frame
from runtime.sources import Source, _stream_address, _stream_fault
from runtime.sources._capture import file_name
from runtime.sources._stream_clock import StreamClock
from runtime.sources.stream import TCP, VARIABLE
from runtime.sources.video import SMALL

KIND = "a stream through PyAV (rtsp://, http://)"
LIVE = True

OPEN_SECONDS = 10.0
READ_SECONDS = 5.0

# Formats with time stamps of the sender; those of others, such as MJPEG over HTTP, are counted by FFmpeg.
STAMPED = frozenset(("rtsp", "sdp", "rtp", "mpegts", "flv", "hls", "matroska", "mov"))


def accepts(spec: str) -> bool:
    """Whether `spec` names a network stream and PyAV is installed."""
    return _stream_address.accepts(spec) and installed()


def installed() -> bool:
    """Whether PyAV can be used."""
    try:
        import av  # noqa: F401
    except ImportError as error:
        if find_spec("av") is not None:
            print(f"note: PyAV is installed, but does not load ({error}); OpenCV is used", file=sys.stderr)
        return False
    return True


def connect(spec: str) -> Source:
    """Opens a network stream. Raises InputError for a wrong address, KitError if no stream can be opened."""
    import av

    address, name = _stream_address.prepare(spec)
    container, fault = None, ""
    try:
        container = av.open(address, options=_options(address), timeout=(OPEN_SECONDS, READ_SECONDS))
        if not container.streams.video:
            container.close()
            fault = "the stream there has no video"
    except (av.FFmpegError, OSError, ValueError) as error:
        fault = _fault(error, address)
    # Outside of the block: the library's own message shows the password, and would be kept as the cause.
    if fault or container is None:
        raise KitError(f"{name}: no stream can be opened there: {fault}{_stream_address.hint(address)}")
    return PyAvSource(name, container)


class PyAvSource(Source):
    """Frames of an open container, with the times at which they were captured.

    Its iterator raises KitError when no more frames arrive. `skipped` counts packets that cannot be decoded.
    """

    live = True

    def __init__(self, name: str, container: Any) -> None:
        """`container` is an open `av.container.InputContainer` with video."""
        self.name = name
        self._container = container
        self._stream = container.streams.video[0]
        # A container must not be closed while another thread waits in it.
        self._reading = threading.Lock()
        self._closed = threading.Event()
        context = self._stream.codec_context
        rate = float(self._stream.average_rate or 0)
        self.fps = rate if 0 < rate < 1000 else None
        size = (context.width, context.height)
        self.size = size if min(size) > 0 else None
        # Threads that decode a frame each hold back as many frames as there are threads.
        if size[0] * size[1] <= SMALL:
            context.thread_count = 1
        else:
            self._stream.thread_type = "AUTO"
        self._stamped = not STAMPED.isdisjoint(container.format.name.split(","))

    def __iter__(self) -> Iterator[Frame]:
        packets = self._container.demux(self._stream)
        clock = StreamClock()
        index = 0
        while not self._closed.is_set():
            with self._reading:
                found = [] if self._closed.is_set() else self._next(packets)
            for image, stamp, arrival in found:
                if self._closed.is_set():
                    break
                at = clock.time(stamp, arrival)
                now, monotonic = time.time(), time.monotonic()
                yield Frame(image, index, now - (monotonic - at), monotonic=at)
                index += 1
        self._release()

    def file_name(self, index: int) -> str:
        """A file name made of the source's name, with only characters that file systems allow."""
        return file_name(self.name, index)

    def close(self) -> None:
        """Returns at once. An iterator that waits for a frame closes the stream when the wait ends."""
        self._closed.set()
        self._release()

    def _next(self, packets: Iterator[Any]) -> List[Tuple[np.ndarray, Optional[float], float]]:
        """The images of the next packet in BGR, each with its time stamp in seconds and the time it came."""
        import av

        try:
            packet = next(packets, None)
            # Before decoding, as close to the capture as possible.
            arrival = time.monotonic()
            if packet is not None:
                return [(f.to_ndarray(format="bgr24"), f.time if self._stamped else None, arrival) for f in packet.decode()]
            reason = "the sender has ended"
        except av.error.InvalidDataError:
            self.skipped += 1
            return []
        except (av.error.ExitError, av.error.TimeoutError):
            reason = f"the sender sent nothing for {READ_SECONDS:g} s"
        except (av.FFmpegError, OSError) as error:
            reason = f"the sender has ended ({_words(error)})"
        if self._closed.is_set():
            return []
        raise KitError(f"{self.name}: no more frames; {reason}")

    def _release(self) -> None:
        if self._reading.acquire(blocking=False):
            try:
                self._container.close()
            finally:
                self._reading.release()


def _options(address: str) -> Dict[str, str]:
    """FFmpeg's options: for RTSP TCP first, then UDP, or what the variable for OpenCV says."""
    chosen = os.environ.get(VARIABLE, TCP)
    if chosen != TCP:
        return dict(pair.split(";", 1) for pair in chosen.split("|") if ";" in pair)
    return {"rtsp_flags": "prefer_tcp"} if address.startswith("rtsp") else {}


def _fault(error: Exception, address: str) -> str:
    import av

    statuses: Dict[type, str] = {
        av.error.HTTPUnauthorizedError: "401 Unauthorized",
        av.error.HTTPForbiddenError: "403 Forbidden",
        av.error.HTTPNotFoundError: "404 Not Found",
    }
    if type(error) in statuses:
        return _stream_fault.refusal(statuses[type(error)], _stream_address.names_user(address))
    fault = _stream_fault.find(address)
    if fault in ("", _stream_fault.ANSWERS):
        late = isinstance(error, (av.error.ExitError, av.error.TimeoutError))
        words = f"no video came within {OPEN_SECONDS:g} s" if late else _words(error)
        return f"{fault} ({words})" if fault else f"{words}; {_stream_fault.UNKNOWN}"
    return fault


def _words(error: Exception) -> str:
    """What FFmpeg says, without the address, which its whole message has."""
    return str(getattr(error, "strerror", None) or type(error).__name__).lower()
