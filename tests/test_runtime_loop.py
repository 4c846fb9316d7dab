from __future__ import annotations

import json
import threading

import numpy as np
import pytest

import tiny_detector
from runtime import Detector, Frame, KitError
from runtime import bench, loop
from runtime.sinks import Sink
from runtime.sources import Source


class Counter(Source):
    name = "counter"
    skipped = 2
    asked = 0

    def __iter__(self):
        for index in range(10):
            self.asked += 1
            yield Frame(np.full((4, 4, 3), index, np.uint8), index)


class Keeper(Sink):
    def __init__(self):
        self.kept = []

    def write(self, frame, detections):
        self.kept.append((frame.index, len(detections)))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_detector.build())
    return path


def test_every_frame_goes_to_every_sink_in_order(path):
    sinks, done = [Keeper(), Keeper()], []
    summary = loop.run(Detector(path), Counter(), sinks, progress=done.append)
    assert sinks[0].kept == sinks[1].kept == [(index, 2) for index in range(10)]
    assert done == list(range(1, 11))
    assert (summary.frames, summary.detections, summary.skipped) == (10, 20, 2)
    assert min(summary.preprocess_ms, summary.invoke_ms, summary.postprocess_ms, summary.fps) > 0
    assert str(summary).startswith("10 frames, 20 detections, 2 skipped; ")


def test_it_reads_no_more_frames_than_it_should(path):
    source = Counter()
    assert loop.run(Detector(path), source, [], frames=3).frames == 3
    assert source.asked == 3


def test_errors_of_a_sink_end_the_run(path):
    class Broken(Keeper):
        def write(self, frame, detections):
            raise KitError("disk full")

    with pytest.raises(KitError, match="disk full"):
        loop.run(Detector(path), Counter(), [Broken()])


def test_an_empty_run_has_a_summary():
    assert str(loop.Summary(0, 0, 0, 0.0, 0.0, 0.0, 0.0)).startswith("0 frames, 0 detections; ")


def test_bench_prints_an_aligned_table_or_one_object(path, capsys):
    assert bench.main([str(path), "--frames", "12"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[1:7]] == [
        "ms a frame", "preprocess", "invoke", "postprocess", "total", "bare invoke",
    ]
    assert len({len(line) for line in lines[1:7]}) == 1
    assert bench.main([str(path), "--frames", "12", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["frames"] == 12 and 0 < report["ratio"]
    assert set(report["stages"]["invoke"]) == {"mean", "p50", "p95", "p99"}


def test_sinks_see_the_state_of_the_run_and_can_change_its_threshold(path):
    class Watcher(Keeper):
        name = "watcher"

        def attach(self, state):
            self.state = state
            self.at_first = state.snapshot()

        def write(self, frame, detections):
            super().write(frame, detections)
            if frame.index == 4:
                self.state.score = 0.8
            if frame.index == 7:
                self.state.stop()
            written.release()

    class OneByOne(Counter):
        """Gives a frame when the one before it has been written."""

        def __iter__(self):
            for frame in super().__iter__():
                yield frame
                written.acquire()

    written = threading.Semaphore(0)
    watcher = Watcher()
    loop.run(Detector(path), OneByOne(), [watcher])
    assert (watcher.at_first["model"], watcher.at_first["frames"]) == ("tiny.tflite", 0)
    assert watcher.at_first["dropped"]["sinks"] == {"watcher": 0}
    assert watcher.kept == [(index, 2 if index <= 4 else 1) for index in range(8)]
    shown = watcher.state.snapshot()
    assert (shown["frames"], shown["detections"]) == (8, 13)
    assert list(shown["latency"]) == ["capture", "preprocess", "invoke", "postprocess", "total"]
