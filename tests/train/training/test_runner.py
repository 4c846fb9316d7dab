"""The training loop: when it validates, writes checkpoints, stops, and where it resumes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import orbit
import pytest
import tensorflow as tf
import tf_keras
from official.modeling import optimization

from runtime.common.errors import InputError
from tests.support import detector_320
from train.checkpoints import files, variables
from train.evaluation.coco import FIGURES, Metrics
from train.evaluation.validation import Validation
from train.training.best_checkpoint import BestCheckpoint
from train.training.last_checkpoint import LastCheckpoint
from train.training.runner import Controller, start_average


class Counting(orbit.StandardTrainer, orbit.StandardEvaluator):
    """Training that only counts its steps, and notes at which it was validated."""

    def __init__(self):
        self.step = tf.Variable(0, dtype=tf.int64)
        self.validated = []
        numbers = tf.data.Dataset.range(3)
        orbit.StandardTrainer.__init__(self, numbers.repeat(), orbit.StandardTrainerOptions(False, False))
        orbit.StandardEvaluator.__init__(self, numbers, orbit.StandardEvaluatorOptions(False))

    def train_step(self, iterator):
        next(iterator)
        self.step.assign_add(1)

    def eval_step(self, iterator):
        next(iterator)

    def eval_end(self, *_):
        self.validated.append(int(self.step))


def last(trainer: Counting, folder: Path, every: int, initialize=lambda: None) -> LastCheckpoint:
    checkpoint = tf.train.Checkpoint(global_step=trainer.step)
    return LastCheckpoint(checkpoint, folder, trainer.step, initialize, identity="me", source=folder, every=every)


def controller(trainer: Counting, folder: Path, every: int = 3, ended=lambda: False) -> Controller:
    return Controller(
        ended=ended,
        trainer=trainer,
        evaluator=trainer,
        global_step=trainer.step,
        steps_per_loop=1,
        checkpoint_manager=last(trainer, folder, every),
    )


def step_of(folder: Path) -> int:
    return int(variables.value_of(folder, "global_step"))


def test_a_moving_average_begins_at_the_initial_weights():
    model = tf_keras.Sequential([tf_keras.layers.Dense(2, input_shape=(3,)), tf_keras.layers.BatchNormalization()])
    optimizer = optimization.ExponentialMovingAverage(tf_keras.optimizers.legacy.SGD(), trainable_weights_only=False)
    optimizer.shadow_copy(model)
    start_average(optimizer, model)
    assert len(model.variables) == 6
    for variable in model.variables:
        assert np.array_equal(optimizer.get_slot(variable, "average"), variable)
    start_average(tf_keras.optimizers.legacy.SGD(), model)


def test_validations_are_at_whole_multiples_and_at_the_end(tmp_path):
    trainer = Counting()
    controller(trainer, tmp_path).train_and_evaluate(10, eval_interval=4)
    assert trainer.validated == [4, 8, 10]
    assert step_of(tmp_path) == 10


def test_a_run_goes_on_after_its_checkpoint_and_misses_no_validation(tmp_path):
    trainer = Counting()
    loop = controller(trainer, tmp_path, every=3)
    loop._target = 8
    loop.train(7, checkpoint_at_completion=False)
    assert step_of(tmp_path) == 6
    again = Counting()
    controller(again, tmp_path, every=3).train_and_evaluate(10, eval_interval=4)
    assert int(again.step) == 10 and again.validated == [8, 10]


def test_the_checkpoint_of_a_step_comes_after_its_validation(tmp_path):
    trainer = Counting()
    kept = []
    trainer.eval_end = lambda *_: kept.append(step_of(tmp_path) if files.newest(tmp_path) else 0)
    controller(trainer, tmp_path, every=2).train_and_evaluate(8, eval_interval=4)
    assert kept == [2, 6]
    assert step_of(tmp_path) == 8


def test_training_stops_when_ended_returns_true(tmp_path):
    trainer = Counting()
    controller(trainer, tmp_path, ended=lambda: len(trainer.validated) >= 2).train_and_evaluate(20, eval_interval=4)
    assert trainer.validated == [4, 8] and step_of(tmp_path) == 8


def test_without_a_number_of_steps_checkpoints_go_by_time(tmp_path, monkeypatch):
    trainer = Counting()
    keeper = last(trainer, tmp_path, every=0)
    trainer.step.assign(5)
    assert keeper.save() is None
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + 31)
    assert keeper.save() == str(tmp_path / "ckpt-5")
    trainer.step.assign(6)
    assert keeper.save() is None
    assert keeper.save(check_interval=False) == str(tmp_path / "ckpt-6")
    assert keeper.seconds >= 31
    assert last(Counting(), tmp_path, 0).restore_or_initialize() == str(tmp_path / "ckpt-6")


def test_checkpoints_that_take_long_are_written_less_often(tmp_path, monkeypatch):
    trainer = Counting()
    keeper = last(trainer, tmp_path, every=0)
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    write = keeper.checkpoint.write

    def slowly(*arguments):
        now[0] += 2
        return write(*arguments)

    monkeypatch.setattr(keeper.checkpoint, "write", slowly)
    trainer.step.assign(1)
    keeper.save(check_interval=False)
    for step, seconds, due in ((2, 31, False), (3, 68, False), (4, 2, True), (5, 99, False), (6, 2, True)):
        # At least fifty times the two seconds that the last one took.
        trainer.step.assign(step)
        now[0] += seconds
        assert (keeper.save() is not None) == due, step


def test_seconds_include_earlier_parts_of_a_run(tmp_path, monkeypatch):
    trainer = Counting()
    keeper = last(trainer, tmp_path, every=1)
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + 100)
    trainer.step.assign(1)
    keeper.save()
    again = last(Counting(), tmp_path, every=1)
    again.restore_or_initialize()
    assert 100 <= again.seconds < 130


def test_a_new_run_is_initialized(tmp_path):
    called = []
    assert last(Counting(), tmp_path, 1, lambda: called.append(1)).restore_or_initialize() is None
    assert called == [1]


def test_a_checkpoint_with_other_variables_is_refused(tmp_path):
    trainer = Counting()
    trainer.step.assign(1)
    last(trainer, tmp_path, 1).save()
    checkpoint = tf.train.Checkpoint(global_step=trainer.step, more=tf.Variable(1.0))
    keeper = LastCheckpoint(checkpoint, tmp_path, trainer.step, lambda: None, identity="", source=tmp_path, every=1)
    with pytest.raises(InputError, match="ckpt-1: not a checkpoint of a run with these settings"):
        keeper.restore_or_initialize()
    data = tmp_path / "ckpt-1.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:3])
    with pytest.raises(InputError, match="ckpt-1: cannot be read as a checkpoint"):
        last(Counting(), tmp_path, 1).restore_or_initialize()


def validation(average: float | None) -> Validation:
    metrics = Metrics({**dict.fromkeys(FIGURES), "AP": average}, {"cat": average}, 3, {"cat": None})
    return Validation(metrics, {})


def test_the_best_weights_are_kept_with_their_metrics_and_found_again(tmp_path):
    model = detector_320.scratch()
    checkpoint = tf.train.Checkpoint(model=model)
    last_one = []
    best = BestCheckpoint(tmp_path, lambda: last_one[-1], "AP", source=tmp_path)
    assert best.best is None and best.waited(50, 10) == 0
    bias = variables.variables(model)["_box_predictor/_box_prediction_head/_box_encoder_layers/0/bias"]
    kept = []
    for step, average in ((10, None), (20, 0.3), (30, 0.2), (40, 0.3), (50, 0.4)):
        last_one.append(validation(average))
        bias.assign(tf.fill(bias.shape, float(step)))
        kept.append(best.maybe_export_checkpoint(checkpoint, {}, step))
        again = BestCheckpoint(tmp_path, lambda: last_one[-1], "AP", source=tmp_path)
        assert again.best == best.best and again.best_ckpt_logs == best.best_ckpt_logs
        assert again.waited(step, 10) == (step - best.best.step) // 10
        value = variables.value_of(tmp_path, "model/_box_predictor/_box_prediction_head/_box_encoder_layers/0/bias")
        np.testing.assert_array_equal(value, np.full(24, best.best.step, np.float32))
    assert kept == [True, True, False, False, True]
    figures = json.loads((tmp_path / "ckpt-2.json").read_text())
    assert figures["step"] == 50 and figures["AP"] == 0.4
    (tmp_path / "ckpt-2.json").write_text("{}")
    with pytest.raises(InputError, match=r"ckpt-2\.json: not in the format that training writes"):
        BestCheckpoint(tmp_path, lambda: last_one[-1], "AP", source=tmp_path)
