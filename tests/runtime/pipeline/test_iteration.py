from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from runtime import Frame, InputError, KitError, run
from runtime.common.opencv import cv2
from runtime.inference.process.engine import EngineLost, EngineProcess
from runtime.media import images
from runtime.pipeline import iteration
from runtime.telemetry.state import State
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


@pytest.mark.parametrize("watchdog", [0, 60])
def test_closing_the_iterator_ends_the_run(place, watchdog, monkeypatch):
    ended, close = [], EngineProcess.close
    monkeypatch.setattr(EngineProcess, "close", lambda process: (close(process), ended.append(process.pid)))
    before = set(threading.enumerate())
    running = run(**options(place, loop=True, watchdog=watchdog))
    for frame, _ in running:
        if frame.index == 40:
            break
    started = set(threading.enumerate()) - before
    assert len(started) >= 4, "the run, its source, the preparation and the engine at least"
    running.close()
    for thread in started:
        # An engine's watchdog looks every tenth of a second whether it is to end.
        thread.join(60)
        assert not thread.is_alive(), thread.name
    assert bool(ended) == bool(watchdog)
    assert not any(Path(f"/proc/{pid}").exists() for pid in ended)


def interrupted(*_):
    raise KeyboardInterrupt


def test_an_interrupt_while_the_model_loads_ends_the_run(place, monkeypatch):
    def load_for_ever(process):
        process._launched.process.wait()
        raise EngineLost("interrupted")

    monkeypatch.setattr(EngineProcess, "wait_until_ready", load_for_ever)
    monkeypatch.setattr(iteration._Handover, "take", interrupted)
    monkeypatch.setattr(iteration, "LOADING_SECONDS", 600)
    with pytest.raises(KeyboardInterrupt):
        next(run(**options(place)))
    assert "run" not in {thread.name for thread in threading.enumerate()}


def test_a_run_that_begins_after_its_end_stops_and_keeps_nothing(place, monkeypatch):
    seen = {}

    def detect(options, sinks, use, loading):
        (handover,) = sinks
        ended.wait(60)
        state = State()
        use(state)
        for index in range(10):
            handover.write(Frame(None, index), ())
        seen.update(stopping=state.stopping, frames=len(handover._frames))

    ended, end = threading.Event(), iteration._Handover.end
    monkeypatch.setattr(iteration, "detect", detect)
    monkeypatch.setattr(iteration._Handover, "take", interrupted)
    monkeypatch.setattr(iteration._Handover, "end", lambda handover: (end(handover), ended.set()))
    monkeypatch.setattr(iteration, "LOADING_SECONDS", 600)
    with pytest.raises(KeyboardInterrupt):
        next(run(**options(place)))
    assert seen == {"stopping": True, "frames": 0}


def test_what_hangs_before_the_run_is_left(place, monkeypatch):
    released, waited = threading.Event(), []
    monkeypatch.setattr(iteration, "detect", lambda *_: waited.append(released.wait(20)))
    monkeypatch.setattr(iteration._Handover, "take", interrupted)
    monkeypatch.setattr(iteration, "LOADING_SECONDS", 0.01)
    with pytest.raises(KeyboardInterrupt):
        next(run(**options(place)))
    assert not waited, "it was waited for"
    released.set()


def test_errors_are_raised_in_the_callers_loop(place):
    with pytest.raises(InputError, match=r"none.mp4: no such file"):
        list(run(**options(place, source=str(place / "none.mp4"))))
    with pytest.raises(InputError, match="there is no such option; did you mean score"):
        run(**options(place, scor=1))
    (place / "in").mkdir()
    images.write(place / "in" / "a.png", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(KitError, match="cannot be written"):
        list(run(**options(place, source=str(place / "in"), out=str(place / "tiny.tflite" / "x"))))
