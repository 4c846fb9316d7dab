from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest

from runtime import Frame, InputError, KitError
from runtime.frames.queue import BLOCK, LATEST, FrameQueue
from runtime.pipeline import capture
from runtime.pipeline.capture import Capture, Playback
from runtime.sources import Source
from runtime.telemetry.state import State

IMAGE = np.zeros((2, 2, 3), np.uint8)


class Clip(Source):
    name = "clip"
    fps = 10.0

    def __init__(self, count=3, error=None):
        self.count = count
        self.error = error

    def __iter__(self):
        for index in range(self.count):
            yield Frame(IMAGE, index, index / 10)
        if self.error:
            raise self.error


class Camera(Clip):
    """Fails after `count` frames."""

    live = True
    closed = 0

    def close(self):
        self.closed += 1


def captured(source, playback=Playback(), kind=BLOCK, **options):
    """Runs a capture to its end; returns (frames, state, capture)."""
    state = State()
    queue = FrameQueue(kind, state.dropped_by_source)
    thread = Capture(source, queue, state, playback, **options)
    thread.start()
    frames = [found.frame for found in iter(queue.take, None)]
    thread.join(20)
    assert not thread.is_alive() and state.snapshot()["source"]["state"] == "ended"
    return frames, state, thread


def test_a_clip_from_its_beginning_to_its_end():
    frames, state, thread = captured(Clip())
    assert [(frame.index, frame.time) for frame in frames] == [(0, 0.0), (1, 0.1), (2, 0.2)]
    assert thread.error is None and state.snapshot()["gaps"] == 0


def test_repeated_playback_with_increasing_times():
    frames, _, _ = captured(Clip(), Playback(repeat=True, frames=7))
    assert [frame.index for frame in frames] == list(range(7))
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    _, _, thread = captured(Clip(0), Playback(repeat=True))
    assert isinstance(thread.error, InputError) and "nothing to repeat" in str(thread.error)


def test_in_real_time(monkeypatch):
    waits = []
    monkeypatch.setattr(State, "wait_for_stop", lambda self, seconds: waits.append(seconds))
    captured(Clip(), Playback(realtime=True))
    assert waits == pytest.approx([0, 0.1, 0.2], abs=0.09) and waits == sorted(waits)


def test_an_error_of_a_file_ends_the_run_after_its_earlier_frames():
    frames, _, thread = captured(Clip(2, InputError("broken")))
    assert len(frames) == 2 and str(thread.error) == "broken"


def test_unreadable_frames_are_counted():
    class Holes(Clip):
        def __iter__(self):
            for frame in super().__iter__():
                self.skipped = 2 * frame.index
                yield frame
            self.skipped += 1

    assert captured(Holes())[1].snapshot()["skipped"] == 5


def test_a_camera_is_opened_again_and_the_gap_counted(monkeypatch, capsys):
    monkeypatch.setattr(capture, "FIRST_WAIT", 0.001)
    first = Camera(2, KitError("cable pulled"))
    others = [KitError("not there"), Camera(0, KitError("nothing")), Camera(2), Camera(5)]
    opened = []

    def reopen():
        item = others.pop(0)
        opened.append(item)
        if isinstance(item, Exception):
            raise item
        return item

    frames, state, thread = captured(first, Playback(frames=6), reopen=reopen)
    assert [frame.index for frame in frames] == list(range(6)), "indices go on, whatever the camera says"
    assert thread.error is None and state.snapshot()["gaps"] == 2
    assert len(opened) == 4 and first.closed == opened[2].closed == 1
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "source lost: clip: cable pulled; reopening it"
    assert told[1].startswith("source is back: clip, after ") and told[1].endswith(" and 3 tries")
    assert told[2] == "source lost: clip: the stream ended; reopening it"


def test_of_a_lost_camera_no_image_is_left(monkeypatch):
    monkeypatch.setattr(capture, "FIRST_WAIT", 0.0)
    images = []

    class Lost(Camera):
        def __iter__(self):
            image = np.zeros((2, 2, 3), np.uint8)
            images.append(weakref.ref(image))
            yield Frame(image, 0, 0.0)
            raise KitError("the cable was pulled")

    state = State()
    queue = FrameQueue(BLOCK, state.dropped_by_source)
    thread = Capture(Lost(), queue, state, reopen=Lost)
    gc.collect()
    gc.disable()
    try:
        thread.start()
        for _ in range(4):
            queue.take()
        state.stop()
        queue.close()
        thread.join(20)
        assert [image() for image in images[:3]] == [None, None, None]
    finally:
        gc.enable()


def test_retries_have_a_limit(monkeypatch):
    monkeypatch.setattr(capture, "FIRST_WAIT", 0.001)
    tries = []

    def reopen():
        tries.append(1)
        raise KitError("not there")

    frames, state, thread = captured(Camera(1), Playback(retries=3), reopen=reopen)
    assert len(frames) == 1 and len(tries) == 3
    assert isinstance(thread.error, KitError) and str(thread.error) == "clip: not there; given up after 3 tries to open it again"
    assert state.snapshot()["gaps"] == 1
    _, _, thread = captured(Camera(1, KitError("gone")))
    assert str(thread.error) == "clip: gone", "without a way to open it again"


def test_waits_between_tries_grow_up_to_a_limit(monkeypatch):
    waits = []

    def wait(self, seconds):
        waits.append(seconds)
        return len(waits) == 9

    monkeypatch.setattr(State, "wait_for_stop", wait)

    def reopen():
        raise OSError("no device")

    captured(Camera(1), reopen=reopen)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_camera_that_hangs_is_abandoned(monkeypatch, capsys):
    monkeypatch.setattr(capture, "_TICK", 0.01)
    release = threading.Event()

    class Hanging(Camera):
        def __iter__(self):
            yield Frame(IMAGE)
            release.wait(20)
            yield Frame(IMAGE)

    hanging, others = Hanging(), set(threading.enumerate())
    frames, state, _ = captured(hanging, Playback(frames=4), reopen=lambda: Camera(3), stalled=0.05)
    assert [frame.index for frame in frames] == [0, 1, 2, 3] and hanging.closed == 1
    assert "no frame for 0.05 s" in capsys.readouterr().err
    assert state.snapshot()["dropped"]["source"] == 0
    # Its next frame comes after all, too late.
    release.set()
    for thread in set(threading.enumerate()) - others:
        if thread.name == "source":
            thread.join(20)
    assert state.snapshot()["dropped"]["source"] == 1


class Hangs(Camera):
    """Gives a frame, and no other one before `release`."""

    release = threading.Event()

    def __iter__(self):
        yield Frame(IMAGE)
        self.release.wait(20)


@pytest.fixture
def hangs(monkeypatch):
    """Makes a camera that hangs each time it is opened; `waits` has the seconds before each opening."""
    monkeypatch.setattr(capture, "_TICK", 0.005)
    monkeypatch.setattr(Hangs, "release", threading.Event())
    waits = []
    monkeypatch.setattr(State, "wait_for_stop", lambda self, seconds: bool(waits.append(seconds)))
    yield Hangs, waits
    Hangs.release.set()


def test_a_camera_that_hangs_each_time_is_left_alone_ever_longer_and_given_up(hangs, monkeypatch):
    made, waits = hangs
    monkeypatch.setattr(capture, "MOST_HUNG", 13)
    frames, state, thread = captured(made(), reopen=made, stalled=0.01)
    assert len(frames) == 13 and state.snapshot()["gaps"] == 13
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert "clip: no frame for 0.01 s; it has hung 13 times and never came back: start the run anew" in str(thread.error)


def test_hangs_long_ago_and_readers_that_came_back_do_not_count(hangs, monkeypatch):
    made, waits = hangs
    monkeypatch.setattr(capture, "MOST_HUNG", 3)
    monkeypatch.setattr(capture, "STEADY_SECONDS", 0)
    openings, others = [], set(threading.enumerate())

    def reopen():
        openings.append(1)
        if len(openings) == 2:
            made.release.set()
            for thread in set(threading.enumerate()) - others:
                if thread.name == "source":
                    thread.join(20)
            made.release = threading.Event()
        return made()

    _, _, thread = captured(made(), reopen=reopen, stalled=0.01)
    assert set(waits) == {0.5} and len(openings) == 4 and "has hung 3 times" in str(thread.error)


def test_a_camera_that_does_not_close_is_opened_again(monkeypatch, capsys):
    class Stuck(Camera):
        def close(self):
            released.wait(60)

    released = threading.Event()
    monkeypatch.setattr(capture, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(capture, "CLOSE_SECONDS", 0.01)
    frames, state, _ = captured(Stuck(2, KitError("no frame")), Playback(frames=4), reopen=lambda: Camera(5))
    assert not released.is_set() and len(frames) == 4 and state.snapshot()["gaps"] == 1
    released.set()
    told = capsys.readouterr().err
    assert "warning: clip: does not close; it is left to do so" in told and "source lost: clip: no frame" in told


def test_a_stop_ends_a_camera_that_waits():
    class Slow(Camera):
        def __iter__(self):
            yield Frame(IMAGE)
            time.sleep(20)

    state = State()
    queue = FrameQueue(LATEST, state.dropped_by_source)
    thread = Capture(Slow(), queue, state, reopen=Slow)
    thread.start()
    assert queue.take() is not None
    state.stop()
    thread.join(5)
    assert not thread.is_alive() and queue.take() is None


def test_the_end_waits_for_the_frame_under_way():
    class Slow(Camera):
        reading = False

        def __iter__(self):
            while True:
                self.reading = True
                time.sleep(0.3)
                self.reading = False
                yield Frame(IMAGE, 0, 0.0)

    source, state = Slow(), State()
    queue = FrameQueue(LATEST, state.dropped_by_source)
    thread = Capture(source, queue, state)
    thread.start()
    queue.take()
    while not source.reading:
        time.sleep(0.001)
    state.stop()
    thread.join(20)
    assert not source.reading and not thread.is_alive()
