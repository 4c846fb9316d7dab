"""An earlier run and one that went on from it, on the validation images of both."""

from __future__ import annotations

import shutil

import pytest

from runtime.boxes.tiles import Tiles
from runtime.common.values import Detection
from tests.support.small_runs import small_run
from tests.support.voc_samples import data_set
from train.report import earlier_images
from train.run import earlier_run


@pytest.fixture
def runs(tmp_path):
    """The earlier run knows cats, the later one dogs, in front of them, too."""
    old = small_run(tmp_path / "old", data_set(tmp_path / "first", 10))
    boxes = [("cat", 4, 5, 30, 28), ("dog", 32, 5, 60, 40)]
    new = small_run(tmp_path / "new", data_set(tmp_path / "october", 10, boxes=boxes, seed=100))
    new.path.joinpath("labels.txt").write_text("dog\ncat\n")
    earlier_run.record(new, str(old.path))
    return old, new


def detector(run):
    """The earlier run finds everything that it knows, the later one dogs only."""
    labels = run.labels()
    found = {"cat"} if run.path.name == "old" else {"dog"}
    return lambda example: [
        Detection(item.label, labels.index(item.label), 0.9, item.box) for item in example.boxes if item.label in found
    ]


def test_both_on_the_images_of_both_with_classes_by_name(runs):
    (pair,) = earlier_images.pairs(runs)
    found = earlier_images.compare(*pair, detector)
    first, second = found.measured
    assert (first.images, first.earlier, first.later) == (2, {"cat": 1.0}, {"cat": 0.0})
    assert (second.earlier, second.later) == ({"dog": None, "cat": 1.0}, {"dog": 1.0, "cat": 0.0})
    assert second.means == (1.0, 0.0) and not found.notes
    text = str(found)
    assert "AP of the classes of both" in text and f"validation images of {runs[0].path} (2 images)" in text


def test_images_that_are_gone_are_told_and_the_rest_is_compared(runs, tmp_path):
    shutil.rmtree(tmp_path / "first")
    found = earlier_images.compare(*earlier_images.pairs(runs)[0], detector)
    assert len(found.measured) == 1 and "october" not in found.notes[0]
    assert "2 of the 2 validation images of" in found.notes[0] and "nothing can be measured" in found.notes[0]


def test_each_run_looks_through_its_own_tiles(runs, monkeypatch):
    checkpoint_detector = pytest.importorskip("train.evaluation.checkpoint_detector", reason="needs TensorFlow")
    _, new = runs
    new.write_config({"task": {"size": 320, "tiles": "2x1"}})
    seen = []

    def made(path, size, labels, graph=None, tiles=None):
        seen.append(tiles)
        return lambda image: []

    monkeypatch.setattr(checkpoint_detector, "CheckpointDetector", made)
    for run in runs:
        run.best.mkdir(parents=True)
        (run.best / "ckpt-7.index").touch()
    earlier_images.compare(*earlier_images.pairs(runs)[0])
    assert seen == [None, Tiles(2, 1)]


def test_runs_that_have_nothing_to_do_with_each_other(runs):
    assert earlier_images.pairs(runs[:1]) == [] and earlier_images.pairs(runs[1:]) == []
