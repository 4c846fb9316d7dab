"""What Model Garden does with a run besides data and optimizer."""

from __future__ import annotations

from official.core import exp_factory

from tests.support import detector_320
from train.run.options import BATCH
from train.training import experiment


def test_the_best_checkpoint_is_that_of_the_highest_ap_and_nothing_is_recovered_silently():
    trainer = experiment.experiment().trainer
    assert (trainer.best_checkpoint_eval_metric, trainer.best_checkpoint_metric_comp) == ("AP", "higher")
    assert trainer.max_to_keep == 1
    assert trainer.recovery_max_trials == -1, "a loss that is not finite ends the run"
    assert trainer.preemption_on_demand_checkpoint is False, "Ctrl-C ends the run"


def test_only_training_repeats_images_and_leaves_out_the_last_ones():
    task = experiment.experiment().task
    assert task.train_data.is_training and not task.validation_data.is_training
    assert task.train_data.drop_remainder and not task.validation_data.drop_remainder
    assert task.train_data.global_batch_size == task.validation_data.global_batch_size == BATCH


def test_model_garden_knows_the_experiment():
    assert exp_factory.get_exp_config(experiment.NAME) == experiment.experiment()
    assert experiment.experiment().task.network == detector_320.NETWORK.name
