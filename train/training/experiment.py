"""The experiment's defaults for Model Garden. Optimizer and learning rates are in `schedule`."""

from __future__ import annotations

from official.core import config_definitions, exp_factory

from train.run.options import BATCH
from train.training.task import DataConfig, DetectionConfig

NAME = "detector"


def experiment() -> config_definitions.ExperimentConfig:
    """The experiment with all settings but those of data and optimizer."""
    return config_definitions.ExperimentConfig(
        task=DetectionConfig(
            train_data=DataConfig(is_training=True, global_batch_size=BATCH),
            validation_data=DataConfig(is_training=False, global_batch_size=BATCH, drop_remainder=False),
        ),
        trainer=config_definitions.TrainerConfig(
            best_checkpoint_eval_metric="AP",
            best_checkpoint_metric_comp="higher",
            max_to_keep=1,
            # The kit stops a run whose loss is not finite. Model Garden would silently return to an earlier checkpoint.
            recovery_max_trials=-1,
            # Model Garden's handler is for preemption in a cloud. Here, a KeyboardInterrupt must end the run.
            preemption_on_demand_checkpoint=False,
        ),
    )


exp_factory.register_config_factory(NAME)(experiment)
