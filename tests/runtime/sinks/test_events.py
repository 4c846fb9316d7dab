from __future__ import annotations

import json
import shutil
from argparse import Namespace
from collections import namedtuple
from time import sleep

import numpy as np
import pytest

from runtime import Box, Detection, Detector, Frame, InputError
from runtime.common.opencv import cv2
from runtime.common.values import Labels
from runtime.events import clip as clips
from runtime.events.clip import ClipFile
from runtime.events.still import encode
from runtime.filters import track
from runtime.frames.masks import mask
from runtime.media import h264
from runtime.pipeline import loop
from runtime.pipeline.loop import Settings
from runtime.sinks import events, open_sink
from runtime.sources import Source
from runtime.telemetry.state import State
from tests.support import tiny_detector

SETTINGS = ",least=0.5,before=1,after=1"


class Clip(Source):
    name = "rtsp://user:secret@door/stream"
    path = None
    fps = 10.0
    frames = 40

    def __iter__(self):
        for index in range(self.frames):
            yield Frame(np.full((60, 80, 3), 200, np.uint8), index, index / 10)

    def file_name(self, index):
        return f"clip_{index:03d}.jpg"


def record(folder, settings=SETTINGS, source=None, state=None, most=None):
    """Frames with a cat from the second frame to the twentieth; gives the state's `events`."""
    source, state = source or Clip(), state or State()
    with open_sink(f"events:{folder}{settings}", source) as sink:
        sink.attach(state)
        for frame in source:
            found = [Detection("cat", 0, 0.9, Box(10, 10, 50, 50), 1)] if 2 <= frame.index <= 20 else []
            sink.write(frame, found)
    return state.snapshot()["events"]


def line(folder):
    (path,) = folder.glob("*.json")
    return json.loads(path.read_text())


def frames(path):
    capture = cv2.VideoCapture(str(path))
    try:
        return [image for done, image in iter(capture.read, (False, None))]
    finally:
        capture.release()


def test_a_clip_a_snapshot_and_a_line_for_each_object(tmp_path):
    told = []
    state = State()
    state.listen(told.append)
    counts = record(tmp_path / "kept", state=state)
    assert (counts["kept"], counts["recorded"], counts["lost"], counts["lost_frames"]) == (1, 1, 0, 0)
    said = line(tmp_path / "kept")
    assert (said["label"], said["start"], said["end"], said["track"]) == ("cat", 0.2, 2.0, 1)
    assert "secret" not in json.dumps(said) and "door" in said["source"]
    assert cv2.imread(str(tmp_path / "kept" / said["snapshot"])).shape == (60, 80, 3)
    assert len(frames(tmp_path / "kept" / said["clip"])) == pytest.approx(31, abs=2)
    # Once as it begins, and once as it is complete.
    assert [(each["id"], each["end"]) for each in told] == [(said["id"], None), (said["id"], 2.0)]


@pytest.mark.parametrize("suffix", [clips.H264_SUFFIX, clips.VP8_SUFFIX])
def test_clips_last_as_long_as_what_they_show(tmp_path, suffix):
    if suffix == clips.H264_SUFFIX and not h264.available():
        pytest.skip("needs PyAV")
    clip = ClipFile(tmp_path / f"a{suffix}", 10.0)
    # A frame that comes at once after another, a pause, and an outage, which is cut.
    for time in (0.0, 0.1, 0.1, 0.2, 1.2, 1000.0, 1000.1):
        clip.add(encode(Frame(np.full((31, 41, 3), 90, np.uint8), 0, time), 40))
    clip.close()
    capture = cv2.VideoCapture(str(clip.path))
    assert (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (40, 30)
    last = 0.0
    while capture.grab():
        last = capture.get(cv2.CAP_PROP_POS_MSEC)
    assert last == pytest.approx(1400, abs=105)
    capture.release()


def test_vp8_where_there_is_no_encoder_for_h264(tmp_path, monkeypatch):
    monkeypatch.setattr(h264, "available", lambda: False)
    record(tmp_path / "kept")
    said = line(tmp_path / "kept")
    assert said["clip"].endswith(".webm") and len(frames(tmp_path / "kept" / said["clip"])) > 25


def test_a_clip_that_cannot_be_written_leaves_the_event(tmp_path, monkeypatch, capsys):
    def fail(self, still):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ClipFile, "add", fail)
    counts = record(tmp_path / "kept")
    said = line(tmp_path / "kept")
    assert (said["clip"], said["offset"]) == ("", 0.0) and said["snapshot"] and counts["lost_frames"] > 25
    assert capsys.readouterr().err.count("No space left") == 1
    assert not list((tmp_path / "kept").glob("*.mp4"))


def test_a_full_disk_loses_events_and_counts_them(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 0))
    state = State()
    counts = record(tmp_path / "kept", state=state)
    assert (counts["kept"], counts["lost"]) == (0, 1) and not list((tmp_path / "kept").glob("2*"))


class OfLive(Clip):
    live = True


def test_a_lost_camera_ends_the_clip_of_the_moment(tmp_path, monkeypatch):
    source, state = OfLive(), State()
    monkeypatch.setattr(events, "_SILENCE_SECONDS", -1.0)
    sink = open_sink(f"events:{tmp_path / 'kept'}{SETTINGS}", source)
    sink.attach(state)
    for frame in list(source)[:15]:
        sink.write(frame, [Detection("cat", 0, 0.9, Box(10, 10, 50, 50), 1)])
    sink._end_after_silence()
    for _ in range(1000):
        sink._writer._thread.join(0.01)
        if state.snapshot()["events"]["kept"]:
            break
    assert line(tmp_path / "kept")["seconds"] == 1.4
    sink.close()


def test_the_events_of_a_file_are_sent_before_its_run_ends(tmp_path, monkeypatch, capsys):
    sent, answers = [], [200, 500]

    class Slow(events.Sender):
        def __init__(self, *words, **more):
            super().__init__(*words, send=self.post, pause=60.0, **more)

        def post(self, hook, body):
            # Longer than the run of a live source waits.
            sleep(0.3)
            sent.append(json.loads(body)["label"])
            return answers.pop(0)

    monkeypatch.setattr(events, "Sender", Slow)
    assert record(tmp_path / "a", f"{SETTINGS},webhook=http://a.example/")["sent"] == 1 and sent == ["cat"]
    assert record(tmp_path / "b", f"{SETTINGS},webhook=http://a.example/")["waiting"] == 1
    assert f"webhook: events that are not sent yet: 1; the next run with --events {tmp_path / 'b'}" in capsys.readouterr().err


@pytest.mark.parametrize(("source", "least", "most"), [(Clip(), 28, 34), (OfLive(), 5, 9)])
def test_busy_processors_cost_a_camera_frames_of_its_clips_and_a_file_none(tmp_path, monkeypatch, source, least, most):
    monkeypatch.setattr(events, "Pace", lambda fps: lambda: 5 / fps)
    kept = []
    monkeypatch.setattr(ClipFile, "add", lambda self, still: kept.append(still.time))
    monkeypatch.setattr(events, "_END_SECONDS", 60)
    record(tmp_path / "kept", source=source)
    assert least <= len(kept) <= most


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_detector.build(signature={"output_0": 3, "output_1": 2, "output_2": 1, "output_3": 0}))
    return path


def test_through_the_loop_with_a_mask(path, tmp_path):
    """What is masked is black in clips and snapshots, and the summary counts what the last frames made."""
    detector = Detector(path, score=0.4)
    source = Clip()
    tracker = track.connect(Namespace(track=True, track_lost=1.0), Labels(()))
    with open_sink(f"events:{tmp_path / 'kept'}{SETTINGS}", source) as sink:
        summary = loop.run(
            detector, source, [sink], filters=[tracker], settings=Settings(masks=(mask("0,0,0.5,0,0.5,1,0,1"),))
        )
    assert summary.events >= 1 and (summary.lost_events, summary.lost_frames) == (0, 0) and "event" in str(summary)
    shown = [cv2.imread(str(each)) for each in (tmp_path / "kept").glob("*.jpg")]
    for clip in (tmp_path / "kept").glob("*.mp4"):
        shown += frames(clip)
    assert len(shown) > 20
    for image in shown:
        assert image[:, :36].max() < 16 and image[:, 46:].min() > 150


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("events:", "no folder"),
        ("events:FILE", "no folder"),
        ("events:kept,days=0", "not a number of days"),
        ("events:kept,days=x", "not a number of days"),
        ("events:kept,megabytes=0", "not a whole number"),
        ("events:kept,fps=0", "not a whole number"),
        ("events:kept,clips=1", "is no setting of it"),
        ("events:kept,webhook=ftp://a", "is no address"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, monkeypatch, spec, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").touch()
    with pytest.raises(InputError, match=message):
        open_sink(spec, Clip())
    assert not (tmp_path / "kept").exists()


def test_what_the_options_ask_for():
    assert events.specs(Namespace(events=None, webhook=None)) == []
    assert events.specs(Namespace(events="a,days=2", webhook="https://b/?c=1,2")) == ["events:a,days=2,webhook=https://b/?c=1%2C2"]
    with pytest.raises(InputError, match="--webhook: sends what --events keeps"):
        events.specs(Namespace(events=None, webhook="https://b/"))


def test_a_folder_that_cannot_be_used(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be used"):
        open_sink(f"events:{tmp_path / 'file' / 'kept'}", Clip()).attach(State())
