"""The experiment's defaults: optimizer, schedule, and how often what happens."""

from __future__ import annotations

from official.core import config_definitions, exp_factory
from official.modeling import optimization

from train.run.options import BATCH
from train.training.task import DataConfig, DetectionConfig

NAME = "ssd_mobilenet_v2_fpnlite"

# For small data sets at batch 8; the rate scales with the batch (Goyal et al. 2017). From random weights.
LEARNING_RATE = 0.03
# From trained weights, pyramid and heads learn fast what is new, and the backbone keeps what it knows.
# Measured on two data sets that want opposite rates for the whole network: README, "Options for other recipes".
TUNING_RATE = 0.06
TUNING_BACKBONE_RATE = 0.2
WARMUP_SHARE = 0.1
_SGD_MOMENTUM = 0.9
# Steps from a fresh class head can be wild; published training meets them with a long warm-up only.
_CLIP_NORM = 10.0


@exp_factory.register_config_factory(NAME)
def experiment() -> config_definitions.ExperimentConfig:
    """The experiment with everything but the data filled in."""
    return config_definitions.ExperimentConfig(
        task=DetectionConfig(
            train_data=DataConfig(is_training=True, global_batch_size=BATCH),
            validation_data=DataConfig(is_training=False, global_batch_size=BATCH, drop_remainder=False),
        ),
        trainer=config_definitions.TrainerConfig(
            best_checkpoint_eval_metric="AP",
            best_checkpoint_metric_comp="higher",
            max_to_keep=1,
            # The run's own check of the loss speaks to the user; the library's would go back silently.
            recovery_max_trials=-1,
            # A KeyboardInterrupt must end the run; the library's handler is for cloud preemption.
            preemption_on_demand_checkpoint=False,
        ),
    )


def backbone_rate(given: float | None, *, trained: bool) -> float:
    """The backbone's learning rate as a share of the others': `given`, or else 0.2 where the initial
    weights are `trained` and 1 where they are random.
    """
    if given is not None:
        return given
    return TUNING_BACKBONE_RATE if trained else 1.0


def schedule(
    steps: int, batch: int, rate: float | None = None, ema: float | None = None, *, trained: bool = False
) -> optimization.OptimizationConfig:
    """Momentum SGD with cosine decay to 0 over `steps` after a linear warm-up.

    `rate` is the highest learning rate; by default 0.06 at batch 8 where the initial weights are
    `trained`, else 0.03, in proportion to `batch`. `ema` is the decay of a moving average of all weights, batch norm's statistics among them; it starts low.
    """
    if rate is None:
        rate = (TUNING_RATE if trained else LEARNING_RATE) * batch / BATCH
    average = {"ema": {"average_decay": ema, "trainable_weights_only": False}} if ema else {}
    return optimization.OptimizationConfig(
        {
            **average,
            "optimizer": {"type": "sgd", "sgd": {"momentum": _SGD_MOMENTUM, "global_clipnorm": _CLIP_NORM}},
            "learning_rate": {
                "type": "cosine",
                "cosine": {"initial_learning_rate": rate, "decay_steps": steps},
            },
            "warmup": {
                "type": "linear",
                "linear": {"warmup_steps": max(1, round(WARMUP_SHARE * steps)), "warmup_learning_rate": rate / 10},
            },
        }
    )
