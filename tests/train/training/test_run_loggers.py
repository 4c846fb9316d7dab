"""What a run tells its loggers, and that none of them can end it."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.common.values import Box, Detection, Labels
from tests.support import detector_320
from train import Logger
from train.dataset.dataset import Dataset
from train.dataset.examples.example import Example, LabelledBox
from train.evaluation.coco import FIGURES, Metrics
from train.evaluation.validation import Validation
from train.training.run_loggers import RunLoggers


class Notes(Logger):
    """Notes everything."""

    def __init__(self):
        self.calls = []

    def started(self, config, folder):
        self.calls.append(("started", config, folder))

    def scalars(self, step, values):
        self.calls.append(("scalars", step, values))

    def images(self, step, name, images):
        self.calls.append(("images", step, name, images))

    def finished(self, metrics):
        self.calls.append(("finished", metrics))


class Broken(Logger):
    """Works until it is told figures."""

    def __init__(self):
        self.calls = 0

    def scalars(self, step, values):
        self.calls += 1
        raise OSError("no\nroute to host")


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    """Twenty validation images, every second without a box."""
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((60, 80, 3), np.uint8))
    box = LabelledBox("cat/dog", Box(10, 20, 30, 50))
    examples = tuple(Example(f"v{i}", path, 80, 60, (box,) if i % 2 else ()) for i in range(20))
    return Dataset(examples, examples, Labels(("cat/dog",)), (), "pets")


def told(dataset, *loggers, lines=None, found=()) -> RunLoggers:
    figures = {**dict.fromkeys(FIGURES, 0.5), "APs": None}
    metrics = Metrics(figures, {"cat/dog": 0.25, "cow": None}, 20)
    validation = Validation(metrics, {"v1": [Detection("cat/dog", 0, score, Box(40, 5, 70, 55)) for score in found]})
    say = (lines if lines is not None else []).append
    return RunLoggers(loggers, say, dataset, lambda: 7, lambda: validation)


OUTPUT = {"training_loss": 1.5, "class_loss": 1.0, "box_loss": 0.5, "learning_rate": 0.01, "other": 3}


def test_a_run_is_told_from_start_to_end(dataset):
    logger = Notes()
    run = told(dataset, logger)
    with run.run({"options": {}}, Path("runs/one")):
        run.trained(OUTPUT)
        run.ended({"AP": 0.5})
    assert logger.calls == [
        ("started", {"options": {}}, Path("runs/one")),
        ("scalars", 7, {"train/loss": 1.5, "train/class_loss": 1.0, "train/box_loss": 0.5, "train/rate": 0.01}),
        ("finished", {"AP": 0.5}),
    ]


def test_a_validation_has_figures_and_the_same_few_images_with_boxes_and_detections(dataset):
    logger = Notes()
    run = told(dataset, logger, found=(0.9, 0.1))
    run.validated({})
    run.validated({})
    (_, step, values), (_, _, name, images), _, (_, _, _, again) = logger.calls
    assert (step, name, len(images)) == (7, "validation/detections", 8)
    assert values["validation/AP"] == 0.5 and "validation/APs" not in values
    assert values["validation/per_class/cat_dog"] == 0.25 and "validation/per_class/cow" not in values
    assert not [pair for pair in itertools.permutations(values, 2) if pair[1].startswith(f"{pair[0]}/")]
    for one, other in zip(images, again):
        np.testing.assert_array_equal(one, other)
        assert (one == (40, 200, 60)).all(axis=-1).any(), "a labelled box"
    assert [bool((image == (230, 50, 50)).all(axis=-1).any()) for image in images] == [True] + [False] * 7


def test_a_logger_that_raises_is_told_once_and_left_out(dataset):
    broken, logger, lines = Broken(), Notes(), []
    run = told(dataset, broken, logger, lines=lines)
    with run.run({}, Path()):
        run.trained(OUTPUT)
        run.trained(OUTPUT)
    assert broken.calls == 1 and [name for name, *_ in logger.calls] == ["started", "scalars", "scalars", "finished"]
    assert lines == ["Broken is left out of the rest of this run: OSError: no route to host"]


def test_a_run_that_fails_ends_without_metrics(dataset):
    logger = Notes()
    with pytest.raises(KeyboardInterrupt), told(dataset, logger).run({}, Path()):
        raise KeyboardInterrupt
    assert logger.calls[-1] == ("finished", None)


def test_an_image_that_has_gone_is_no_end_of_the_run(dataset):
    dataset.validation[1].image.unlink()
    logger, lines = Notes(), []
    told(dataset, logger, lines=lines).validated({})
    assert [name for name, *_ in logger.calls] == ["scalars"]
    assert len(lines) == 1 and "a.png" in lines[0]


def test_without_loggers_nothing_is_drawn(dataset):
    dataset.validation[1].image.unlink()
    lines = []
    told(dataset, lines=lines).validated({})
    assert not lines
