"""Loggers, which are told what a training run does: one module for each experiment tracker, found by its name.

A module of this package provides

    connect() -> Logger    raises InputError if what it needs is not installed

A new logger is a new file here, and `--logger` knows it by the file's name. Programs that call
`train.training.training.train` can also pass loggers of their own. Uses `run`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from runtime.common import plugins
from runtime.common.errors import InputError


class Logger:
    """Is told what a run does. The methods do nothing here; override those of interest.

    An exception that a method raises does not end the run: it is told to the user, and the logger is called no more.
    A run of several workers has loggers on its chief only.
    """

    def started(self, config: Mapping[str, Any], folder: Path) -> None:
        """A run starts, or goes on if it is resumed. `config` has the contents of the config.yaml in its `folder`."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Figures after `step` steps.

        Every few steps these are `train/loss` and others, after a validation `validation/AP` and others, among them the
        AP of each class as `validation/per_class/NAME`.
        """

    def images(self, step: int, name: str, images: Sequence[np.ndarray]) -> None:
        """Images after `step` steps, each uint8 [height, width, 3] in RGB.

        `train/augmented` are training images as the network gets them, with their boxes, at the start of a run.
        `validation/detections` are the same few images after each validation, with labelled boxes and detections.
        """

    def finished(self, metrics: Mapping[str, Any] | None) -> None:
        """The run ends. `metrics` has the contents of metrics.json, or is None if the run failed or was interrupted."""


def names() -> tuple[str, ...]:
    """The names of all loggers, sorted."""
    return tuple(plugins.name_of(module) for module in plugins.modules(sys.modules[__name__]))


def connect(option: str | None) -> tuple[Logger, ...]:
    """The loggers that the option --logger names, separated by commas; none for None or "none".

    Raises InputError for an unknown name, or if what a logger needs is not installed.
    """
    modules = {plugins.name_of(module): module for module in plugins.modules(sys.modules[__name__])}
    wanted = () if option in (None, "none") else dict.fromkeys(name.strip() for name in option.split(","))
    for name in wanted:
        if name not in modules:
            raise InputError(f"--logger {option}: no logger is called {name!r}; there are {', '.join(modules)}")
    return tuple(modules[name].connect() for name in wanted)
