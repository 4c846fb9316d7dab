from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("pycocotools", reason="measuring AP needs pycocotools")

from convert import benchmark
from runtime.boxes.tiles import Tiles
from runtime.common.errors import InputError
from runtime.common.values import Frame, Labels
from tests.support import tiny_detector, voc_samples
from train.dataset.dataset import Dataset, open_dataset
from train.run.run_folder import RunFolder

LABELS = Labels(("ant", "bee", "cat"))
# Where tiny_detector's best detection, of class 1, lies in an image of 64 x 48.
SIDES = (0.2 * 64, 0.1 * 48, 0.6 * 64, 0.5 * 48)


@pytest.fixture
def run(tmp_path) -> RunFolder:
    """A run whose export holds one detector that is right on every image, and files to leave out."""
    data = voc_samples.data_set(tmp_path / "data", boxes=[("bee", *SIDES)])
    opened = open_dataset(data)
    run = RunFolder(tmp_path / "run")
    run.write_dataset(Dataset(opened.train, opened.validation, LABELS, (), "data"))
    run.write_config({"task": {"size": 320}})
    run.write_metrics({"AP": 0.75, "AP50": None})
    run.best.mkdir(parents=True)
    (run.best / "ckpt-0.index").write_bytes(b"12")
    (run.best / "ckpt-0.data-00000-of-00001").write_bytes(b"345")
    run.export.mkdir()
    (run.export / "labels.txt").write_text(LABELS.text())
    (run.export / "detector.tflite").write_bytes(tiny_detector.build())
    (run.export / "bad.rejected.tflite").write_bytes(tiny_detector.build())
    (run.export / "other.tflite").write_bytes(tiny_detector.build(tiny_detector.OUTPUTS[:2]))
    return run


def test_a_row_for_the_checkpoint_and_each_detector(run, capsys):
    checkpoint, detector = benchmark.benchmark(run, frames=7, progress=False)
    assert checkpoint == benchmark.Row("checkpoint", 5, 0.75, None, None)
    assert (detector.file, detector.bytes) == ("detector.tflite", len(tiny_detector.build()))
    assert detector.ap == pytest.approx(1.0)
    assert detector.ap50 == pytest.approx(1.0)
    assert 0 < detector.ms < 1000
    said = capsys.readouterr().err
    assert "left out" in said and "other.tflite" in said and "rejected" not in said


def test_files_of_a_run_on_tiles_are_measured_and_timed_through_them(run, monkeypatch):
    run.write_config({"task": {"size": 320, "tiles": "2x1"}})
    measured, timed = [], []
    monkeypatch.setattr(
        benchmark, "evaluate_file", lambda path, data, **_: measured.append(data.tiles) or {"AP": 0.5, "AP50": 0.5}
    )
    combined = benchmark.Detector.combined
    monkeypatch.setattr(
        benchmark.Detector, "combined", lambda self, raws, *size: timed.append(len(raws)) or combined(self, raws, *size)
    )
    benchmark.benchmark(run, frames=1, progress=False)
    # Each frame is two tiles and the whole image.
    assert measured == [Tiles(2, 1)] and len(timed) > 1 and set(timed) == {3}


def test_the_command_prints_a_table_or_json(run, capsys):
    assert benchmark.main([str(run.path), "--frames", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  ")[0] == "file" and lines[0].endswith("ms a frame")
    assert lines[1].split() == ["checkpoint", "0.00", "MB", "0.750", "-", "-"]
    assert len({len(line) for line in lines}) == 1
    assert benchmark.main([str(run.path), "--frames", "2", "--json"]) == 0
    assert [row["file"] for row in json.loads(capsys.readouterr().out)["files"]] == ["checkpoint", "detector.tflite"]


def test_every_detector_sees_the_same_number_of_frames():
    class Counting:
        calls = 0

        def inputs(self, image, color):
            self.calls += 1
            return [image]

        def invoke(self, tensor):
            return []

        def combined(self, raws, width, height):
            return (), ()

        def __call__(self, image, color):
            return ()

    detectors = {"a": Counting(), "b": Counting()}
    times = benchmark.milliseconds(detectors, [Frame(np.zeros((4, 4, 3), np.uint8))], 12)
    assert list(times) == ["a", "b"] and all(value >= 0 for value in times.values())
    assert [detector.calls for detector in detectors.values()] == [12, 12]


def test_a_run_that_was_not_converted(run):
    for file in run.export.glob("*.tflite"):
        file.unlink()
    with pytest.raises(InputError, match=r"no \.tflite to measure; make one with"):
        benchmark.benchmark(run)
