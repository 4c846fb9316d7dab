"""Optimizer and learning rate schedule: momentum SGD, linear warm-up, cosine decay."""

from __future__ import annotations

from typing import Any

from official.modeling import optimization

from train.run.options import BATCH

# For training from random weights on small data sets at batch 8. The rate is scaled with the batch (Goyal et al. 2017).
LEARNING_RATE = 0.03
# For fine-tuning: pyramid and heads learn fast, and the backbone keeps most of what it has learned. Measured on two
# data sets that need opposite rates for the whole network: README, "Options for other recipes".
TUNING_RATE = 0.06
TUNING_BACKBONE_RATE = 0.2
WARMUP_SHARE = 0.1
_SGD_MOMENTUM = 0.9
# The first gradients of a new class head can be very large. The published training has a long warm-up instead.
_CLIP_NORM = 10.0


def backbone_rate(given: float | None, *, trained: bool) -> float:
    """The backbone's learning rate as a share of the others'.

    It is `given`, if that is not None, else 0.2 if the initial weights are `trained` and 1 if they are random.
    """
    if given is not None:
        return given
    return TUNING_BACKBONE_RATE if trained else 1.0


def optimizer_config(
    steps: int, batch: int, rate: float | None = None, ema: float | None = None, *, trained: bool = False
) -> optimization.OptimizationConfig:
    """Momentum SGD with a linear warm-up over the first tenth of `steps` and cosine decay to 0.

    Args:
      steps: number of training steps.
      batch: images per step.
      rate: highest learning rate. By default, in proportion to `batch`, 0.06 at batch 8 if the initial weights are
        `trained`, else 0.03.
      ema: decay of a moving average of all weights, batch norm's statistics among them. It starts lower than this.
      trained: whether the initial weights are trained.
    """
    if rate is None:
        rate = (TUNING_RATE if trained else LEARNING_RATE) * batch / BATCH
    average: dict[str, Any] = {"ema": {"average_decay": ema, "trainable_weights_only": False}} if ema else {}
    return optimization.OptimizationConfig(
        {
            **average,
            "optimizer": _optimizer(),
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


def sweep_config(steps: int, low: float, high: float) -> optimization.OptimizationConfig:
    """The optimizer of training, with a learning rate that grows exponentially from `low` to `high` over `steps`."""
    growth = {"initial_learning_rate": low, "decay_steps": max(1, steps - 1), "decay_rate": high / low}
    return optimization.OptimizationConfig(
        {"optimizer": _optimizer(), "learning_rate": {"type": "exponential", "exponential": growth}}
    )


def _optimizer() -> dict[str, Any]:
    return {"type": "sgd", "sgd": {"momentum": _SGD_MOMENTUM, "global_clipnorm": _CLIP_NORM}}
