"""Loggers are found because they lie in their folder, and are named by the option."""

from __future__ import annotations

import sys

import pytest

from runtime.common.errors import InputError
from train import loggers
from train.loggers import Logger
from train.loggers.tensorboard import TensorBoard


def test_every_module_of_the_folder_is_a_logger():
    assert set(loggers.names()) == {"mlflow", "tensorboard", "wandb"}


def test_the_option_names_them():
    assert loggers.connect(None) == loggers.connect("none") == ()
    one, *others = loggers.connect(" tensorboard,tensorboard")
    assert isinstance(one, TensorBoard) and not others


@pytest.mark.parametrize("option", ["mlfow", "tensorboard,", ""])
def test_an_unknown_name_is_an_error(option):
    with pytest.raises(InputError, match=r"no logger is called '.*'; there are mlflow, tensorboard, wandb"):
        loggers.connect(option)


@pytest.mark.parametrize(("name", "package"), [("mlflow", "mlflow-skinny"), ("wandb", "wandb")])
def test_what_is_not_installed_is_named(name, package, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=rf"--logger {name}: .* cannot be imported .*; pip install {package}$"):
        loggers.connect(name)


def test_a_logger_needs_only_the_methods_of_interest(tmp_path):
    logger = Logger()
    logger.started({}, tmp_path)
    logger.scalars(1, {"train/loss": 1.0})
    logger.images(1, "train/augmented", [])
    logger.finished(None)
