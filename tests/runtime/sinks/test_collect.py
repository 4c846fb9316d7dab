from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest

from runtime import Detector, Frame, InputError
from runtime.collect import annotation
from runtime.common.opencv import cv2
from runtime.common.values import Labels
from runtime.frames.masks import mask
from runtime.pipeline import loop
from runtime.pipeline.loop import Settings
from runtime.sinks import open_sink
from runtime.sources import Source
from runtime.telemetry.state import State
from tests.support import tiny_detector


class Clip(Source):
    name = "rtsp://user:secret@door/stream"
    path = None
    frames = 4

    def __init__(self, image=None):
        self._image = np.full((60, 80, 3), 90, np.uint8) if image is None else image

    def __iter__(self):
        for index in range(self.frames):
            yield Frame(self._image.copy(), index, 10.0 * index)

    def file_name(self, index):
        return f"clip_{index:03d}.jpg"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_detector.build(signature={"output_0": 3, "output_1": 2, "output_2": 1, "output_3": 0}))
    return path


def collect(path, folder, settings="", source=None, state=None, **options):
    source, state = source or Clip(), state or State(str(path), Detector(path).labels, 0.8)
    with open_sink(f"collect:{folder}{settings}", source) as sink:
        loop.run(Detector(path, score=0.8), source, [sink], state=state, settings=Settings(**options))
    return state.snapshot()["collect"]


def test_a_frame_is_kept_with_what_was_found_and_what_chose_it(path, tmp_path):
    counts = collect(path, tmp_path / "kept", ",doubtful=0.1")
    # The same scene isn't kept twice.
    assert (counts["kept"], counts["refused"], counts["images"]) == (1, 3, 1)
    xml = tmp_path / "kept" / "annotations" / "clip_000.xml"
    text = xml.read_text(encoding="utf-8")
    assert text.count("<object>") == text.count("<candidate>") == 1 and "<score>0.7500</score>" in text
    origin = annotation.read(xml)
    assert origin.chosen == ("doubtful",) and origin.model == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "secret" not in text and "door" in origin.camera
    assert cv2.imread(str(tmp_path / "kept" / "images" / "clip_000.jpg")).shape == (60, 80, 3)


@pytest.mark.parametrize(("live", "images"), [(True, 4), (False, 8)])
def test_only_a_camera_goes_on_with_the_hour_of_the_run_before(path, tmp_path, live, images):
    for number in range(2):
        source = Clip()
        source.live = live
        state = State(str(path), Detector(path).labels, 0.8)
        with open_sink(f"collect:{tmp_path / 'kept'},every=5,per-hour=4", source) as sink:
            sink.attach(state)
            for frame in source:
                # Each run has a steady clock of its own; a recording is collected from whatever its date.
                sink.write_all(dataclasses.replace(frame, time=1e9 + 100 * number + frame.time, monotonic=frame.time), (), ())
    assert state.snapshot()["collect"]["images"] == images


def test_what_is_masked_is_black_in_what_is_kept(path, tmp_path):
    collect(path, tmp_path / "kept", ",every=5", masks=(mask("0,0,0.5,0,0.5,1,0,1"),))
    images = list((tmp_path / "kept" / "images").iterdir())
    assert len(images) == 4
    for file in images:
        image = cv2.imread(str(file))
        assert image[:, :38].max() < 8 and image[:, 45:].min() > 80


def test_somebody_asks_for_a_frame(path, tmp_path):
    state = State(str(path), Detector(path).labels, 0.8)
    state.ask_for_image()
    counts = collect(path, tmp_path / "kept", ",asked=on", state=state)
    assert counts["kept"] == 1 and not state.take_image_request()
    assert collect(path, tmp_path / "none", ",asked=on")["kept"] == 0


def test_colours_are_those_of_the_source(path, tmp_path):
    class Red(Clip):
        def __iter__(self):
            image = np.zeros((60, 80, 3), np.uint8)
            image[..., 0] = 255
            yield Frame(image, 0, 0.0, "RGB")

    collect(path, tmp_path / "kept", ",every=5", source=Red())
    image = cv2.imread(str(tmp_path / "kept" / "images" / "clip_000.jpg"))
    assert image[..., 2].min() > 240 and image[..., :2].max() < 20


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("collect:", "no folder"),
        ("collect:FILE", "no folder"),
        ("collect:kept,doubtful=2", "not a number from 0 to 1"),
        ("collect:kept,unusual=on", "is no setting of it"),
        ("collect:kept,per-hour=0", "not a whole number"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, monkeypatch, spec, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").touch()
    with pytest.raises(InputError, match=message):
        open_sink(spec, Clip())
    assert not (tmp_path / "kept").exists()


def test_a_sink_without_doubts_asks_for_no_candidates(tmp_path):
    source = Clip()
    assert open_sink(f"collect:{tmp_path / 'a'},every=5", source).floor is None
    sink = open_sink(f"collect:{tmp_path / 'b'},doubtful=0.2", source)
    sink.attach(State(score=0.6))
    assert sink.floor == pytest.approx(0.4)
    sink.attach(State(score=0.1))
    assert sink.floor == pytest.approx(0.05)
    sink.attach(State(score=0.6, scores={"cat": 0.4, "dog": 0.9}))
    assert sink.floor == pytest.approx(0.2)


@pytest.mark.parametrize(("cat", "kept"), [(0.7, 1), (0.8, 1), (0.4, 0), (0.95, 0)])
def test_the_threshold_of_a_class_moves_its_band(path, tmp_path, cat, kept):
    """The model finds a dog of 0.9, far from 0.5, and a cat of 0.75."""
    source = Clip()
    detector = Detector(path, labels=Labels(("cat", "dog", "fox")), score=0.5, scores={"cat": cat})
    with open_sink(f"collect:{tmp_path / 'kept'},doubtful=0.1", source) as sink:
        state = State(str(path), detector.labels, detector.score, detector.scores)
        loop.run(detector, source, [sink], state=state)
    assert state.snapshot()["collect"]["images"] == kept
