"""The optimizer and the learning rates of training, as Model Garden builds them."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from official.modeling import optimization

from train.training import schedule


def rates(config: optimization.OptimizationConfig, *steps: int) -> list[float]:
    rate = optimization.OptimizerFactory(config).build_learning_rate()
    return [float(rate(step)) for step in steps]


def test_the_rate_warms_up_over_a_tenth_and_decays_to_zero():
    config = schedule.optimizer_config(100, 8, 0.5)
    found = rates(config, 0, 5, 10, 55, 100)
    assert found[0] == pytest.approx(0.05), "a tenth of the highest rate"
    assert found[1] == pytest.approx((0.05 + found[2]) / 2), "half way up"
    # The cosine begins at step 0, and is a little below the highest rate where warm-up ends.
    assert found[2:] == pytest.approx([0.25 * (1 + np.cos(np.pi * share)) for share in (0.1, 0.55, 1.0)], abs=1e-6)


def test_a_sweep_grows_by_one_factor_from_step_to_step():
    config = schedule.sweep_config(41, 1e-4, 1.0)
    assert rates(config, 0, 20, 40) == pytest.approx([1e-4, 1e-2, 1.0], rel=1e-4)


def steps_taken(gradients: list[float], config: optimization.OptimizationConfig) -> list[float]:
    """How far a weight moves in each step, divided by the rate 1."""
    optimizer = optimization.OptimizerFactory(config).build_optimizer(1.0)
    weight = tf.Variable(0.0)
    places = [0.0]
    for gradient in gradients:
        optimizer.apply_gradients([(tf.constant(gradient), weight)])
        places.append(float(weight))
    return list(-np.diff(places))


@pytest.mark.parametrize("config", [schedule.optimizer_config(100, 8), schedule.sweep_config(100, 0.1, 1.0)])
def test_the_optimizer_is_momentum_sgd_with_gradients_clipped_at_a_norm_of_ten(config):
    assert steps_taken([2.0, 0.0, 0.0], config) == pytest.approx([2.0, 1.8, 1.62])
    assert steps_taken([9.9], config) == pytest.approx([9.9])
    assert steps_taken([50.0], config) == pytest.approx([10.0])


def test_gradients_are_clipped_by_their_norm_together():
    optimizer = optimization.OptimizerFactory(schedule.optimizer_config(100, 8)).build_optimizer(1.0)
    weights = [tf.Variable(0.0), tf.Variable(0.0)]
    optimizer.apply_gradients([(tf.constant(30.0), weights[0]), (tf.constant(40.0), weights[1])])
    assert [float(weight) for weight in weights] == pytest.approx([-6.0, -8.0])


def test_the_default_rate_follows_the_batch_and_whether_the_weights_are_trained():
    def highest(batch: int, **options) -> float:
        return schedule.optimizer_config(100, batch, **options).learning_rate.cosine.initial_learning_rate

    assert (highest(8), highest(32), highest(4)) == pytest.approx((0.03, 0.12, 0.015)), "random weights by default"
    assert (highest(8, trained=True), highest(16, trained=True)) == pytest.approx((0.06, 0.12))
    assert highest(4, rate=0.7, trained=True) == 0.7, "a rate that is given is not scaled"


@pytest.mark.parametrize(("trained", "share"), [(True, 0.2), (False, 1.0)])
def test_the_backbone_learns_as_fast_as_was_asked_for_or_a_fifth_if_it_is_trained(trained, share):
    assert schedule.backbone_rate(None, trained=trained) == share
    assert schedule.backbone_rate(0.0, trained=trained) == 0.0
    assert schedule.backbone_rate(0.7, trained=trained) == 0.7


def test_a_run_of_few_steps_has_a_step_of_warm_up():
    assert [schedule.optimizer_config(steps, 8).warmup.linear.warmup_steps for steps in (1, 4, 16, 25)] == [1, 1, 2, 2]
    assert rates(schedule.optimizer_config(3, 8, 0.5), 0, 3) == pytest.approx([0.05, 0.0], abs=1e-6)


def test_a_sweep_of_few_steps_goes_from_the_lowest_rate_to_the_highest():
    assert rates(schedule.sweep_config(1, 1e-3, 1.0), 0) == pytest.approx([1e-3])
    assert rates(schedule.sweep_config(2, 1e-3, 1.0), 0, 1) == pytest.approx([1e-3, 1.0])


def test_a_moving_average_is_of_all_weights():
    config = schedule.optimizer_config(100, 8, ema=0.9)
    assert (config.ema.average_decay, config.ema.trainable_weights_only) == (0.9, False)
    assert schedule.optimizer_config(100, 8).ema is None
    # Its rates are those without.
    assert config.learning_rate == schedule.optimizer_config(100, 8).learning_rate
