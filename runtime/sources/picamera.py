"""The Raspberry Pi camera, through picamera2.

OpenCV cannot read it, since the Pi uses libcamera. Uses these documented parts of picamera2
(The Picamera2 Library, Raspberry Pi Ltd): Picamera2, global_camera_info,
create_video_configuration, configure, camera_configuration, start, capture_request, wait, make_array,
get_metadata, release, close.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Iterator, Optional

import numpy as np

from runtime.common.errors import InputError, KitError
from runtime.common.settings import split
from runtime.common.values import Frame
from runtime.sources import Source
from runtime.sources._camera import CameraSettings, parse

KIND = "the Raspberry Pi's camera (picamera; picamera,size=1280x720,fps=30,camera=1,flip=hv)"
LIVE = True

SETTINGS = ("size", "fps", "camera", "flip")
DEFAULT_SIZE = (640, 480)
DEFAULT_FPS = 30.0

# Number of frame buffers in libcamera. With fewer, the sensor waits for this program; each one uses kernel
# memory, which is scarce.
BUFFERS = 4
FRAME_SECONDS = 5.0


def accepts(spec: str) -> bool:
    """Whether `spec` names the Raspberry Pi camera, `picamera`."""
    return split(spec)[0] == "picamera"


def connect(spec: str) -> Source:
    """Opens the Raspberry Pi camera. Raises InputError or KitError as `PiCamera` does."""
    return PiCamera(parse(spec, SETTINGS)[1])


class PiCamera(Source):
    """Frames with the time at which exposure of their first row began, in seconds since 1970."""

    live = True

    def __init__(self, settings: CameraSettings) -> None:
        """Starts the camera.

        Raises InputError if picamera2 or the camera is missing, KitError if the camera does not start.
        """
        self.name = f"picamera {settings.camera}" if settings.camera else "picamera"
        fps = settings.fps or DEFAULT_FPS
        self.size = settings.size or DEFAULT_SIZE
        self.fps = fps
        self._closed = threading.Event()
        self._reading = threading.Lock()
        library = _library()
        known = library.Picamera2.global_camera_info()
        if settings.camera >= len(known):
            listed = ", ".join(f"{number} ({info.get('Model', '?')})" for number, info in enumerate(known))
            raise InputError(
                f"{self.name}: the system knows no such camera; "
                + (f"there is {listed}" if listed else "is the ribbon cable in, and does rpicam-hello show an image?")
            )
        try:
            self._camera = library.Picamera2(settings.camera)
        except (RuntimeError, IndexError) as error:
            raise KitError(f"{self.name}: cannot be opened: {error}; does another program use it?") from error
        try:
            self._camera.configure(self._configuration(settings, fps))
            self.size = tuple(self._camera.camera_configuration()["main"]["size"])
            self._camera.start()
        except RuntimeError as error:
            self._camera.close()
            raise KitError(f"{self.name}: does not start: {error}") from error

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while True:
            with self._reading:
                frame = self._next(index)
            if frame is None:
                return
            yield frame
            index += 1

    def close(self) -> None:
        """Stops the camera. May be called more than once, from any thread."""
        if self._closed.is_set():
            return
        self._closed.set()
        # The iterator checks the flag often. libcamera must not be stopped while the iterator uses it.
        with self._reading:
            # Not `stop` first: while picamera2's event loop runs, it queues behind the unfinished capture of a camera
            # that hangs, and waits for ever. `close` ends the loop and then stops (picamera2 0.3.36, picamera2.py).
            self._camera.close()

    def _configuration(self, settings: CameraSettings, fps: float) -> Any:
        # libcamera's names begin with the highest byte: "RGB888" is stored as blue, green, red, which is
        # OpenCV's order.
        stream = {"size": self.size, "format": "RGB888"}
        duration = round(1e6 / fps)
        # Without `queue`, a request returns the next frame that is finished, never one captured earlier.
        arguments = {
            "main": stream,
            "buffer_count": BUFFERS,
            "queue": False,
            "controls": {"FrameDurationLimits": (duration, duration)},
        }
        if settings.flip:
            from libcamera import Transform

            arguments["transform"] = Transform(hflip="h" in settings.flip, vflip="v" in settings.flip)
        return self._camera.create_video_configuration(**arguments)

    def _next(self, index: int) -> Optional[Frame]:
        """Waits for the next frame; None after `close`. Raises KitError if none arrives within FRAME_SECONDS."""
        if self._closed.is_set():
            return None
        done = threading.Event()
        job = self._camera.capture_request(wait=False, signal_function=lambda _: done.set())
        asked = time.monotonic()
        while not done.wait(0.2):
            if self._closed.is_set():
                return None
            if time.monotonic() - asked > FRAME_SECONDS:
                raise KitError(f"{self.name}: no frame came for {FRAME_SECONDS:.0f} s; is the ribbon cable in?")
        try:
            request = self._camera.wait(job)
        except RuntimeError as error:
            raise KitError(f"{self.name}: {error}") from error
        try:
            # make_array copies, so the buffer can return to the camera at once.
            image = np.ascontiguousarray(request.make_array("main"))
            stamp = request.get_metadata().get("SensorTimestamp")
        finally:
            request.release()
        age = _age(stamp)
        return Frame(image, index, time.time() - age, monotonic=time.monotonic() - age)


def _age(stamp: Any) -> float:
    """The seconds since `stamp`, which is in nanoseconds since the system started; 0 if it makes no sense."""
    if stamp is None:
        return 0.0
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    age: float = time.clock_gettime(clock) - stamp / 1e9
    # If the stamp comes from another clock, the age makes no sense; the current time is closer then.
    return age if 0 <= age < 60 else 0.0


def _library() -> Any:
    try:
        import picamera2
    except ImportError as error:
        raise InputError(
            f"picamera: picamera2 cannot be imported ({error}); it comes with Raspberry Pi OS: sudo apt install "
            "python3-picamera2, and make the environment with python3 -m venv --system-site-packages"
        ) from error
    return picamera2
