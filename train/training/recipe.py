"""The recipe of a run: the part of its experiment that decides which weights it ends with.

A new run writes its experiment into config.yaml. A resumed run takes the recipe from there, since defaults depend on
what is known at the start only (are the initial weights trained?), on the data, and on the version of the kit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from official.core import config_definitions

from runtime.common.errors import InputError

# Where records and initial weights lie, which may have moved.
_PATHS = ("files", "init_checkpoint")
# The other settings of the trainer say when to report and to write checkpoints, which may change.
_TRAINER = ("optimizer_config", "train_steps", "validation_interval")


def take_over(params: config_definitions.ExperimentConfig, config: Mapping[str, Any], where: str) -> None:
    """Sets the recipe of `params` to the one in `config`, the contents of the config.yaml at `where`.

    A setting that `config` doesn't have keeps its value in `params`. Raises InputError for one that doesn't fit.
    """
    trainer = config.get("trainer") or {}
    try:
        params.task.override(_known(config.get("task") or {}, params.task.as_dict()))
        params.trainer.override({name: trainer[name] for name in _TRAINER if name in trainer})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: its sections task and trainer are not as training writes them: {error}") from error


def _known(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in `recorded` that this version has too, without paths."""
    return {
        name: _value(value, now[name]) for name, value in recorded.items() if name in now and name not in _PATHS
    }


def _value(recorded: Any, now: Any) -> Any:
    if isinstance(recorded, Mapping) and isinstance(now, Mapping):
        return _known(recorded, now)
    # YAML has no tuples.
    return tuple(recorded) if isinstance(recorded, list) and isinstance(now, tuple) else recorded
