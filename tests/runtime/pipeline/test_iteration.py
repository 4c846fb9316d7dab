from __future__ import annotations

import threading

import numpy as np
import pytest

from runtime import InputError, KitError, run
from runtime.common.opencv import cv2
from runtime.media import images
from tests.support import tiny_detector


@pytest.fixture
def place(tmp_path):
    (tmp_path / "tiny.tflite").write_bytes(tiny_detector.build())
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 24))
    for index in range(30):
        writer.write(np.full((24, 32, 3), index, np.uint8))
    writer.release()
    return tmp_path


def options(place, **more):
    return {"file": str(place / "tiny.tflite"), "source": str(place / "clip.avi"), "threads": 1, **more}


def test_every_frame_with_its_detections(place, capfd):
    found = list(run(**options(place, score=[0.1, "class 1=0.95"])))
    assert [frame.index for frame, _ in found] == list(range(30))
    assert all([item.class_id for item in detections] == [0, 2] for _, detections in found)
    assert capfd.readouterr().out == "", "nothing but what the caller prints"


def test_options_take_precedence_over_the_file(place):
    pytest.importorskip("pydantic", reason="configuration files need the extra `config`")
    (place / "runtime.yaml").write_text(f"file: {place / 'tiny.tflite'}\nsource: {place / 'clip.avi'}\nframes: 9\n")
    assert len(list(run(place / "runtime.yaml"))) == 9
    assert len(list(run(place / "runtime.yaml", frames=4, json=str(place / "a.jsonl")))) == 4
    assert len((place / "a.jsonl").read_text().splitlines()) == 4


def test_closing_the_iterator_ends_the_run(place):
    for frame, _ in run(**options(place, loop=True, watchdog=0)):
        if frame.index == 40:
            break
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"run", "prepare", "engine 0"}


def test_errors_are_raised_in_the_callers_loop(place):
    with pytest.raises(InputError, match=r"none.mp4: no such file"):
        list(run(**options(place, source=str(place / "none.mp4"))))
    with pytest.raises(InputError, match="there is no such option; did you mean score"):
        run(**options(place, scor=1))
    (place / "in").mkdir()
    images.write(place / "in" / "a.png", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(KitError, match="cannot be written"):
        list(run(**options(place, source=str(place / "in"), out=str(place / "tiny.tflite" / "x"))))
