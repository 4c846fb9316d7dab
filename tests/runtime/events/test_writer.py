from __future__ import annotations

import threading
import time

import cv2
import numpy as np
import pytest

from runtime import Frame
from runtime.events import clip, writer
from runtime.events import store as store_module
from runtime.events.event import Event
from runtime.events.still import Still, encode
from runtime.events.store import Budget
from runtime.events.writer import Writer
from runtime.media import h264

PATIENCE = 60
STILL = encode(Frame(np.zeros((48, 64, 3), np.uint8), 0, 0.0), 100)


def event(number, name="20260101T000000.000Z_1c"):
    return Event(f"20260101T000000.000Z_{number}", "s", "cat", number, 0, 1, 1, False, 0.5, (0, 0, 1, 1), (2, 2), clip=name)


def until(true):
    deadline = time.monotonic() + PATIENCE
    while not true() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert true()


class Store:
    """Keeps events in memory, in a folder for their clips, once `go` is set."""

    def __init__(self, folder):
        self.folder, self.events, self.go = folder, [], threading.Event()
        self.go.set()

    def path(self, name):
        return self.folder / name

    def free_name(self, name, suffix):
        return f"{name}{suffix}"

    def make_room(self, size):
        return True

    def add(self, event, snapshot):
        assert self.go.wait(PATIENCE)
        self.events.append((event.track, event.clip, len(snapshot)))
        return event

    def drop_unused(self, name):
        pass

    def clean(self):
        pass


@pytest.mark.parametrize("error", [cv2.error("Insufficient memory"), MemoryError(), ValueError("strange")])
def test_whatever_goes_wrong_with_a_frame_the_next_event_is_written(tmp_path, monkeypatch, capsys, error):
    def fail(jpeg):
        raise error

    store = Store(tmp_path)
    made = Writer(store, 10, waits=True)
    monkeypatch.setattr(clip, "decode", fail)
    made.begin("20260101T000000.000Z_1c", [STILL, STILL])
    made.finish([(event(1), STILL.jpeg)])
    until(lambda: made.recorded == 1)
    monkeypatch.undo()
    made.begin("20260101T000001.000Z_2c", [Still(0.0, STILL.jpeg), Still(0.1, STILL.jpeg)])
    made.finish([(event(2), STILL.jpeg)])
    assert made.end(PATIENCE)
    assert [(track, bool(name)) for track, name, _ in store.events] == [(1, False), (2, True)]
    assert (made.lost_frames, made.lost_events, made._bytes) == (2, 0, 0)
    assert capsys.readouterr().err.count("events: ") == 1


def test_whatever_goes_wrong_with_an_event_the_next_one_is_written(tmp_path, monkeypatch):
    store = Store(tmp_path)
    monkeypatch.setattr(store, "add", lambda event, snapshot: 1 / 0)
    monkeypatch.setattr(store, "free_name", lambda name, suffix: 1 / 0)
    told = []
    made = Writer(store, 10, waits=True, written=lambda event: told.append(event.track) or 1 / 0)
    made.begin("20260101T000000.000Z_1c", [STILL])
    made.finish([(event(1), STILL.jpeg)])
    until(lambda: made.lost_events == 1)
    monkeypatch.undo()
    made.finish([(event(2, ""), STILL.jpeg)])
    made.finish([(event(3, ""), STILL.jpeg)])
    assert made.end(PATIENCE) and told == [2, 3] and made.recorded == 2 and made.lost_frames == 1


def test_snapshots_that_wait_have_a_limit_too(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "MOST_BYTES", 1000)
    store = Store(tmp_path)
    store.go.clear()
    made = Writer(store, 10)
    for number in range(10):
        made.finish([(event(number, ""), bytes(300)), (event(100 + number, ""), b"")])
    # Those without an image cost nothing.
    assert made._bytes <= 1000 and made.lost_events == 7
    store.go.set()
    assert made.end(PATIENCE)
    assert made.recorded == 13 and made._bytes == 0 and sum(size for _, _, size in store.events) == 900


def test_events_of_a_file_wait_for_room(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "MOST_BYTES", 1000)
    made = Writer(Store(tmp_path), 10, waits=True)
    for number in range(10):
        made.finish([(event(number, ""), bytes(900))])
    assert made.end(PATIENCE) and (made.recorded, made.lost_events) == (10, 0)


def test_a_clip_stays_within_the_budget_while_it_is_written(tmp_path):
    if not h264.available():
        pytest.skip("needs PyAV")
    draw = np.random.default_rng(0)
    # Noise takes more bytes in the video than as JPEG.
    stills = [encode(Frame(draw.integers(0, 256, (240, 320, 3), np.uint8), at, at / 10), 1280) for at in range(25)]
    store = store_module.Store(tmp_path, Budget(megabytes=1))
    made = Writer(store, 10.0)
    made.begin("20261130T000000.000Z_1c", stills[:2])
    for still in stills[2:]:
        made.add(still)
    while made.lost_frames + (made._clip.frames if made._clip else 0) < len(stills):
        time.sleep(0.005)
    (clip,) = tmp_path.glob(".2*.mp4")
    # Also with what its end adds.
    made._clip.close()
    assert made.lost_frames > 0 and 500_000 < clip.stat().st_size <= 1_000_000
    assert made.end(10)
    store.close()


def test_frames_that_wait_long_do_so_without_their_planes(tmp_path, monkeypatch):
    still = encode(Frame(np.zeros((48, 64, 3), np.uint8), 0, 0.0), 100, planes=True)
    monkeypatch.setattr(writer, "_MOST_BYTES_OF_PLANES", 3 * still.size)
    held, go = threading.Event(), threading.Event()
    made = Writer(Store(tmp_path), 10)
    monkeypatch.setattr(made, "_handle", lambda item: (held.set(), go.wait(PATIENCE)))
    made.finish([])
    assert held.wait(PATIENCE)
    for _ in range(8):
        made.add(still)
    assert [item.planes is not None for item in made._queue] == [True] * 3 + [False] * 5
    assert made._bytes == 3 * still.size + 5 * len(still.jpeg)
    go.set()
    assert made.end(PATIENCE)


@pytest.mark.parametrize("suffix", [clip.H264_SUFFIX, clip.VP8_SUFFIX])
def test_planes_and_images_give_the_same_clip(tmp_path, suffix):
    if suffix == clip.H264_SUFFIX and not h264.available():
        pytest.skip("needs PyAV")
    image = cv2.resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8), (160, 120))

    def shown(name, *shapes):
        made = clip.ClipFile(tmp_path / f"{name}{suffix}", 10.0)
        for index, (width, height) in enumerate(shapes):
            frame = Frame(cv2.resize(image, (width, height)), index, index / 10)
            made.add(encode(frame, 1280, planes=name != "images"))
        made.close()
        video = cv2.VideoCapture(str(made.path))
        return [np.asarray(video.read()[1], int) for _ in shapes]

    plain = shown("images", *[(160, 120)] * 4)
    # A camera's size may change, and a size may have no planes.
    for other in (shown("planes", *[(160, 120)] * 4), shown("sizes", (160, 120), (80, 60), (160, 120), (81, 61))):
        assert [frame.shape for frame in other] == [(120, 160, 3)] * 4
        assert max(np.abs(one - two).mean() for one, two in zip(plain, other)) < 12
