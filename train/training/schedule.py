"""Optimizer and learning rate schedule: momentum SGD, linear warm-up, cosine decay."""

from __future__ import annotations

from typing import Any

from official.modeling import optimization

from train.network.network import Defaults
from train.run.options import BATCH

WARMUP_SHARE = 0.1
_SGD_MOMENTUM = 0.9


def backbone_rate(given: float | None, defaults: Defaults = Defaults(), *, trained: bool) -> float:
    """The backbone's learning rate as a share of the others'.

    It is `given`, if that is not None, else that of `defaults` if the initial weights are `trained` and 1 if they are
    random.
    """
    if given is not None:
        return given
    return defaults.backbone_rate if trained else 1.0


def optimizer_config(
    steps: int,
    batch: int,
    rate: float | None = None,
    ema: float | None = None,
    defaults: Defaults = Defaults(),
    *,
    trained: bool = False,
) -> optimization.OptimizationConfig:
    """The optimizer of `defaults` with a linear warm-up over the first tenth of `steps` and cosine decay to 0.

    Args:
      steps: number of training steps.
      batch: images per step.
      rate: highest learning rate. By default that of `defaults`, in proportion to `batch` (Goyal et al. 2017).
      ema: decay of a moving average of all weights, batch norm's statistics among them. It starts lower than this.
      defaults: the network's.
      trained: whether the initial weights are trained.
    """
    if rate is None:
        rate = (defaults.tuning_rate if trained else defaults.rate) * batch / BATCH
    average: dict[str, Any] = {"ema": {"average_decay": ema, "trainable_weights_only": False}} if ema else {}
    return optimization.OptimizationConfig(
        {
            **average,
            "optimizer": _optimizer(defaults),
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


def sweep_config(
    steps: int, low: float, high: float, defaults: Defaults = Defaults()
) -> optimization.OptimizationConfig:
    """The optimizer of training, with a learning rate that grows exponentially from `low` to `high` over `steps`."""
    growth = {"initial_learning_rate": low, "decay_steps": max(1, steps - 1), "decay_rate": high / low}
    return optimization.OptimizationConfig(
        {"optimizer": _optimizer(defaults), "learning_rate": {"type": "exponential", "exponential": growth}}
    )


def _optimizer(defaults: Defaults) -> dict[str, Any]:
    kinds: dict[str, dict[str, float]] = {
        "sgd": {"momentum": _SGD_MOMENTUM},
        "adamw": {"weight_decay_rate": defaults.weight_decay},
    }
    settings = {**kinds[defaults.optimizer], "global_clipnorm": defaults.clip_norm}
    return {"type": defaults.optimizer, defaults.optimizer: settings}
