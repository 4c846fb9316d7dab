"""The recipe that a resumed run takes from config.yaml."""

from __future__ import annotations

import dataclasses

import pytest

from runtime.common.errors import InputError
from train.network.network import Defaults, Network
from train.run.options import Options
from train.run.run_folder import RunFolder
from train.sample_data import generation
from train.training import recipe, schedule, training

# Not one has its default value, so that a setting that is lost shows.
STARTED = Options(
    steps=30, batch=4, seed=3, init="somewhere/ckpt-1", photometric=False, mosaic=0.5, scale_jitter=0.2, expand=0.1,
    hue=0.1, blur=0.2, vflip=0.3, rotate=0.4, class_weights="balanced", label_smoothing=0.1, oversample=0.9, momentum=0.9, frozen_statistics=True, head_steps=3, match_iou=0.4, best_anchors=2, ema=0.9,
    validate_every=7,
)  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe") / "data"
    generation.draw_dataset(folder, images=6, size=(120, 90))
    return Options().open(str(folder))


def experiment(dataset, options: Options, files: str = "records"):
    return training.configuration(dataset, options, (files,), (files,))


def written(params, tmp_path) -> dict:
    run = RunFolder(tmp_path)
    run.write_config(params.as_dict())
    return run.config()


def settings(params) -> dict:
    found = params.as_dict()
    del found["task"]["train_data"]["files"], found["task"]["validation_data"]["files"]
    return found


def test_a_resumed_run_keeps_its_recipe_when_defaults_change(dataset, tmp_path, monkeypatch):
    before = experiment(dataset, STARTED)
    assert before.task.backbone_rate == 0.2
    monkeypatch.setattr(Network, "defaults", Defaults(tuning_rate=0.5, backbone_rate=0.7))
    monkeypatch.setattr(schedule, "WARMUP_SHARE", 0.5)
    now = experiment(dataset, STARTED)
    assert settings(now) != settings(before)
    recipe.take_over(now, written(before, tmp_path), "config.yaml")
    assert settings(now) == settings(before)


def test_every_setting_of_the_task_is_taken_over(dataset, tmp_path):
    before = experiment(dataset, STARTED)
    now = experiment(dataset, Options(init=STARTED.init, validate_every=7), "elsewhere")
    recipe.take_over(now, written(before, tmp_path), "config.yaml")
    assert settings(now)["task"] == settings(before)["task"]
    assert now.trainer.optimizer_config.as_dict() == before.trainer.optimizer_config.as_dict()
    assert now.task.train_data.files == ("elsewhere",), "the records may have moved"


def test_checkpoints_may_be_written_at_other_steps(dataset, tmp_path):
    before = experiment(dataset, STARTED)
    now = experiment(dataset, dataclasses.replace(STARTED, checkpoint_every=2))
    recipe.take_over(now, written(before, tmp_path), "config.yaml")
    assert (now.trainer.checkpoint_interval, now.trainer.validation_interval) == (2, 7)


@pytest.mark.parametrize(("init", "share", "rate"), [("zoo", 0.2, 0.03), ("none", 1.0, 0.015)])
def test_without_a_recipe_it_follows_from_the_options(init, share, rate, dataset):
    params = experiment(dataset, Options(init=init, batch=4))
    recipe.take_over(params, {"options": {}, "data": {}}, "config.yaml")
    assert params.task.backbone_rate == share
    assert params.trainer.optimizer_config.learning_rate.cosine.initial_learning_rate == pytest.approx(rate)


def test_settings_of_another_version_are_passed_over(dataset):
    params = experiment(dataset, STARTED)
    before = settings(params)
    recipe.take_over(params, {"task": {"speed": 3, "train_data": {"colour": 1}}}, "config.yaml")
    assert settings(params) == before


def test_a_damaged_recipe_is_an_error(dataset):
    with pytest.raises(InputError, match=r"config\.yaml: its sections task and trainer"):
        recipe.take_over(experiment(dataset, STARTED), {"trainer": {"optimizer_config": {"speed": 3}}}, "config.yaml")
    with pytest.raises(InputError, match=r"config\.yaml: its sections task and trainer"):
        recipe.take_over(experiment(dataset, STARTED), {"task": "x", "trainer": {}}, "config.yaml")
