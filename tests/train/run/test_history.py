"""History of a run: writing during training, and reading after an interruption."""

from __future__ import annotations

import json

import numpy as np
import pytest

from runtime.common.values import Box, Detection, Labels
from train.evaluation import detections as found_boxes
from train.evaluation.coco import FIGURES, Metrics
from train.evaluation.validation import Validation
from train.run import history

LABELS = Labels(("cat",))


class Run:
    """A training that is at `step`."""

    def __init__(self, folder):
        self.step = 0
        self.recorder = history.Recorder(folder, lambda: self.step, lambda: self.validation)

    def train(self, step, loss=1.5):
        self.step = step
        values = {"training_loss": loss, "class_loss": 1.0, "box_loss": 0.5, "learning_rate": 0.01}
        self.recorder.trained({name: np.float32(value) for name, value in values.items()})

    def validate(self, ap, score=0.9):
        metrics = Metrics(dict.fromkeys(FIGURES, ap), {"cat": ap}, 3)
        self.validation = Validation(metrics, {"a": [Detection("cat", 0, score, Box(1, 2, 30.04, 40))]})
        self.recorder.validated({})


def test_losses_and_metrics_are_read_in_order(tmp_path):
    run = Run(tmp_path)
    run.train(5)
    run.train(10, loss=1.25)
    run.validate(0.4)
    read = history.read(tmp_path)
    assert [(line["step"], line["loss"], line["box_loss"]) for line in read.training] == [(5, 1.5, 0.5), (10, 1.25, 0.5)]
    assert [(line["step"], line["AP50"], line["per_class"]) for line in read.validations] == [(10, 0.4, {"cat": 0.4})]


def test_steps_done_again_after_a_resume_count_once(tmp_path):
    first = Run(tmp_path)
    for step in (5, 10):
        first.train(step)
    first.validate(0.3)
    for step in (15, 20):
        first.train(step)
    first.validate(0.9)
    again = Run(tmp_path)
    again.train(15, loss=7.0)
    read = history.read(tmp_path)
    assert [(line["step"], line["loss"]) for line in read.training] == [(5, 1.5), (10, 1.5), (15, 7.0)]
    assert [line["step"] for line in read.validations] == [10]


def test_time_goes_on_where_it_was_interrupted(tmp_path):
    (tmp_path / "history.jsonl").write_text('{"step": 5, "seconds": 100.0, "loss": 1.0}\n')
    Run(tmp_path).train(10)
    assert history.read(tmp_path).training[-1]["seconds"] >= 100


@pytest.mark.parametrize("kept", range(1, 40, 6))
def test_an_incomplete_line_is_left_out(tmp_path, kept):
    run = Run(tmp_path)
    run.train(5)
    path = tmp_path / "history.jsonl"
    whole = path.read_bytes()
    run.train(10)
    path.write_bytes(path.read_bytes()[: len(whole) + kept])
    Run(tmp_path).train(10, loss=2.0)
    assert [(line["step"], line["loss"]) for line in history.read(tmp_path).training] == [(5, 1.5), (10, 2.0)]


def test_a_loss_of_nan_is_written_as_null(tmp_path):
    Run(tmp_path).train(5, loss=float("nan"))
    (line,) = (tmp_path / "history.jsonl").read_text().splitlines()
    assert json.loads(line, parse_constant=lambda name: pytest.fail(name))["loss"] is None


def test_a_run_without_history_has_an_empty_one(tmp_path):
    assert history.read(tmp_path) == history.History((), ())


def test_detections_are_those_of_the_best_validation(tmp_path):
    run = Run(tmp_path)
    for step, ap, score in ((10, 0.3, 0.6), (20, 0.5, 0.7), (30, 0.5, 0.8)):
        run.step = step
        run.validate(ap, score)
    # After a resume the best so far is still known.
    again = Run(tmp_path)
    again.step = 40
    again.validate(0.4, score=0.9)
    found = found_boxes.read(tmp_path, LABELS)
    assert found.step == 20
    assert found.images == {"a": (Detection("cat", 0, 0.7, Box(1, 2, 30, 40)),)}


def test_detections_with_low_scores_are_left_out(tmp_path):
    detections = [Detection("cat", 0, score, Box(0, 0, 9, 9)) for score in (0.5, 0.01, 0.009)]
    found_boxes.write(tmp_path, 1, {"a": detections})
    assert [d.score for d in found_boxes.read(tmp_path, LABELS).images["a"]] == [0.5, 0.01]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"step": 1, "pictures": {"a": [["dog", 1, 2, 3, 4, 5]]}}'])
def test_detections_that_do_not_belong_to_the_run_are_none(tmp_path, text):
    (tmp_path / "detections.json").write_text(text)
    assert found_boxes.read(tmp_path, LABELS) is None
