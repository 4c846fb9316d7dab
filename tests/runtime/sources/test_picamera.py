"""The Raspberry Pi camera. picamera2 exists on a Pi only; a fake with the same interface replaces it."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import Future
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from runtime import InputError, KitError
from runtime.sources import open_source, picamera


class Request:
    def __init__(self, camera, number):
        self.camera, self.number = camera, number
        camera.held += 1

    def make_array(self, stream):
        assert stream == "main"
        width, height = self.camera.configuration["main"]["size"]
        # Rows are padded to 64 bytes in the camera's memory.
        padded = np.zeros((height, width + 8, 3), np.uint8)
        padded[:] = (200, 100, self.number)
        return padded[:, :width]

    def get_metadata(self):
        return {"SensorTimestamp": int(1e9 * (time.clock_gettime(time.CLOCK_BOOTTIME) - 0.25))}

    def release(self):
        self.camera.held -= 1


class Job(Future):
    """What the event loop does when it is the first of the jobs and a frame has come."""


class Camera:
    """Does what picamera2 0.3.36 does with jobs, `stop` and `close` (picamera2.py and job.py there)."""

    known = ({"Model": "imx708", "Num": 0}, {"Model": "ov5647", "Num": 1})
    last = None

    def __init__(self, number):
        type(self).last = self
        self.number, self.calls, self.held, self.requests = number, [], 0, 0
        self.hangs = self.broken = self.started = self.has_event_loop = False
        self.jobs, self.lock, self.asked = [], threading.Lock(), threading.Event()

    @classmethod
    def global_camera_info(cls):
        return cls.known

    def create_video_configuration(self, main=None, buffer_count=6, queue=True, controls=None, transform=None):
        if main["size"][0] % 2:
            raise RuntimeError("width and height should be even")
        return {"main": main, "queue": queue, "controls": controls, "transform": transform}

    def configure(self, configuration):
        self.configuration = configuration

    def camera_configuration(self):
        return self.configuration

    def start(self):
        self.calls.append("start")
        self.started = self.has_event_loop = True

    def capture_request(self, wait=None, signal_function=None):
        assert wait is False
        self.requests += 1
        self.asked.set()
        number = self.requests
        return self.dispatch(lambda: not self.hangs and Request(self, number), signal_function)

    def wait(self, job):
        if self.broken:
            raise RuntimeError("camera frontend has timed out")
        return job.result()

    def stop(self):
        if not self.started:
            return
        if self.has_event_loop:
            self.dispatch(self.stop_).result()
        else:
            self.stop_()

    def close(self):
        self.has_event_loop = False
        self.stop()
        self.calls.append("close")

    def stop_(self):
        self.calls.append("stop")
        self.started = False
        return True

    def dispatch(self, function, signal_function=None):
        job = Job()
        job.function, job.signal_function = function, signal_function
        with self.lock:
            self.jobs.append(job)
        threading.Thread(target=self.process_requests, daemon=True).start()
        return job

    def process_requests(self):
        """A turn of the event loop: jobs are done in order, and one that is not done keeps back those behind it."""
        finished = []
        with self.lock:
            while self.has_event_loop and self.jobs:
                result = self.jobs[0].function()
                if not result:
                    break
                finished.append((self.jobs.pop(0), result))
        for job, result in finished:
            job.set_result(result)
            if job.signal_function:
                job.signal_function(job)


@pytest.fixture
def library(monkeypatch):
    module = ModuleType("picamera2")
    module.Picamera2 = type("Picamera2", (Camera,), {})
    monkeypatch.setitem(sys.modules, "picamera2", module)
    monkeypatch.setitem(sys.modules, "libcamera", SimpleNamespace(Transform=dict))
    return module.Picamera2


def test_frames_in_opencvs_order_with_the_sensors_time(library):
    with open_source("picamera,size=640x480,fps=25,camera=1,flip=hv") as source:
        assert source.live and (source.size, source.fps, source.name) == ((640, 480), 25, "picamera 1")
        frames = [frame for frame, _ in zip(source, range(3))]
        camera = library.last
    assert camera.number == 1
    assert camera.configuration["main"] == {"size": (640, 480), "format": "RGB888"}
    assert camera.configuration["controls"] == {"FrameDurationLimits": (40_000, 40_000)}
    assert camera.configuration["transform"] == {"hflip": True, "vflip": True}
    assert camera.configuration["queue"] is False
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert frames[0].color == "BGR" and tuple(frames[0].image[0, 0]) == (200, 100, 1)
    assert frames[0].image.flags.c_contiguous and frames[0].image.shape == (480, 640, 3)
    assert all(0.2 < time.time() - frame.time < 60 for frame in frames)
    assert all(0.2 < time.monotonic() - frame.monotonic < 60 for frame in frames)
    assert camera.held == 0, "a buffer that is not given back stops the camera"
    assert camera.calls == ["start", "stop", "close"]


def test_defaults(library):
    with open_source("picamera") as source:
        assert (source.size, source.fps, source.name) == ((640, 480), 30, "picamera")
        assert library.last.configuration["transform"] is None


def closed(source):
    """Whether `source.close` returns."""
    closing = threading.Thread(target=source.close, daemon=True)
    closing.start()
    closing.join(20)
    return not closing.is_alive()


def test_a_camera_that_hangs(library, monkeypatch):
    monkeypatch.setattr(picamera, "FRAME_SECONDS", 0.3)
    source = open_source("picamera")
    library.last.hangs = True
    with pytest.raises(KitError, match="no frame came"):
        next(iter(source))
    assert closed(source), "the unfinished capture must not be waited for"
    assert library.last.calls[-2:] == ["stop", "close"]


def test_the_stand_in_waits_in_stop_as_the_real_one_does(library):
    open_source("picamera")
    camera = library.last
    camera.hangs = True
    camera.capture_request(wait=False)
    stopping = threading.Thread(target=camera.stop, daemon=True)
    stopping.start()
    stopping.join(0.05)
    assert stopping.is_alive() and camera.started
    camera.hangs = False
    camera.process_requests()
    stopping.join(20)
    assert not stopping.is_alive() and not camera.started


def test_a_camera_that_breaks(library):
    with open_source("picamera") as source:
        library.last.broken = True
        with pytest.raises(KitError, match="picamera: camera frontend has timed out"):
            next(iter(source))


def test_closing_from_elsewhere_ends_the_iterator(library, monkeypatch):
    monkeypatch.setattr(picamera, "FRAME_SECONDS", 600)
    source, frames = open_source("picamera"), []
    library.last.hangs = True
    waiting = threading.Thread(target=lambda: frames.append(list(source)), daemon=True)
    waiting.start()
    assert library.last.asked.wait(20), "it waits for a frame"
    assert closed(source)
    waiting.join(20)
    assert frames == [[]], "it ends as at the end of a stream, without an error"
    assert library.last.calls[-1] == "close"
    source.close()
    assert library.last.calls.count("close") == 1


def test_no_such_camera(library):
    with pytest.raises(InputError, match=r"picamera 2: the system knows no such camera; there is 0 \(imx708\), 1"):
        open_source("picamera,camera=2")
    library.known = []
    with pytest.raises(InputError, match="is the ribbon cable in"):
        open_source("picamera")


def test_a_size_that_the_camera_refuses(library):
    with pytest.raises(KitError, match="does not start: width and height should be even"):
        open_source("picamera,size=641x480")
    assert library.last.calls == ["close"]


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(InputError, match="apt install python3-picamera2"):
        open_source("picamera")


@pytest.mark.parametrize(("age", "usable"), [(0.25, True), (-5, False), (1e6, False), (None, False)])
def test_a_time_stamp_of_another_clock_is_not_used(age, usable):
    stamp = None if age is None else int(1e9 * (time.clock_gettime(time.CLOCK_BOOTTIME) - age))
    assert (picamera._age(stamp) > 0.2) is usable
