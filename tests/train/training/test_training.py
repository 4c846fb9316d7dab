"""The experiment that a run's options make."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from runtime.common.errors import InputError
from runtime.common.values import Box, Labels
from train.augment.augmentation import Augmentation
from train.dataset.dataset import Dataset
from train.dataset.examples.example import Example, LabelledBox
from train.evaluation.coco import FIGURES, Metrics
from train.loggers import Logger
from train.run.options import Options
from train.run.run_folder import RunFolder
from train.sample_data import generation
from train.training import training
from train.training.best_checkpoint import Best

NAMES = ("ant", "bee", "cow")


def example(number: int, *names: str) -> Example:
    boxes = tuple(LabelledBox(name, Box(1, 1, 5, 5)) for name in names)
    return Example(f"p{number}", Path(f"p{number}.jpg"), 10, 10, boxes)


# Of eight images, all have an ant, two a bee, four a cow.
DATASET = Dataset(
    tuple(
        example(number, "ant", *(["bee", "bee"] if number < 2 else []), *(["cow"] if number % 2 else []))
        for number in range(8)
    ),
    (example(9, "bee"),),
    Labels(NAMES),
    (),
    "animals",
)


def task(init="none", **options):
    return training.configuration(DATASET, Options(init=init, **options), ("records",), ("records",)).task


def test_what_helps_random_weights_to_find_boxes_is_left_out_where_they_are_trained():
    assert [task(init, model="nanodet_plus_m").auxiliary for init in ("none", "zoo", "runs/other")] == [True, False, False]


def test_oversampling_repeats_the_images_of_the_class_that_is_rare():
    assert task().train_data.repeats == ()
    assert task(oversample=0.5).train_data.repeats == pytest.approx((1.0, math.sqrt(2), 1.0))
    assert task(oversample=1.0).train_data.repeats == pytest.approx((1.0, 2.0, math.sqrt(2)))


def test_each_class_has_its_own_weight():
    assert task().class_weights == () and task().label_smoothing == 0.0
    assert task(class_weights="bee=3").class_weights == (1.0, 3.0, 1.0)
    ant, bee, cow = task(class_weights="balanced").class_weights
    # Eight boxes, four and four.
    assert bee == pytest.approx(cow) and bee == pytest.approx(2 * ant, rel=0.01)


def test_every_augmentation_option_is_a_setting_of_the_data():
    names = [field.name for field in dataclasses.fields(Augmentation) if field.type == "float"]
    values = {name: 0.05 * number for number, name in enumerate(names, start=1)}
    data = task(photometric=False, **values).train_data
    assert {name: getattr(data, name) for name in names} == values and not data.photometric
    assert len(names) == 7


class Notes(Logger):
    """Notes what it is told."""

    def __init__(self):
        self.told = []

    def started(self, config, folder):
        self.told.append((config["options"]["steps"], folder))

    def scalars(self, step, values):
        self.told.append(sorted(values))

    def finished(self, metrics):
        self.told.append(metrics)


def test_loggers_that_a_program_passes_are_told_of_the_run(tmp_path, monkeypatch):
    """The runner's place is taken by one that has a single loss to tell."""
    metrics = Metrics(dict.fromkeys(FIGURES, 0.5), {}, 1)

    def build_runner(params, truth, folder, train_actions, eval_actions, **_):
        def train():
            for action in train_actions:
                action({"training_loss": 1.0, "class_loss": 0.6, "box_loss": 0.4})
            return Best(1, metrics, 0.5)

        return SimpleNamespace(step=1, seconds=2.0, task=None, train=train)

    monkeypatch.setattr(training, "build_runner", build_runner)
    monkeypatch.setattr(training, "prepare", lambda dataset, options, **_: training.configuration(dataset, options, (), ()))
    logger, run = Notes(), RunFolder(tmp_path / "run")
    assert training.train(DATASET, run, Options(steps=1, init="none"), lambda line: None, loggers=[logger]) == metrics
    assert logger.told == [(1, run.path), ["train/box_loss", "train/class_loss", "train/loss"], run.metrics()]
    assert logger.told[-1]["AP"] == 0.5


def test_an_error_in_class_weights_comes_before_anything_is_fetched():
    with pytest.raises(InputError, match="dog is no class of animals; there are ant, bee, cow"):
        training.prepare(DATASET, Options(init="nowhere", class_weights="dog=2"))


def test_records_that_were_not_used_for_long_are_removed_with_a_note(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    records = tmp_path / "cache" / "edge-detection-kit" / "records"
    ages = {"old": 100, "yesterday": 2, "today": 0}
    for name, days in ages.items():
        (records / name).mkdir(parents=True)
        (records / name / "a.tfrecord").write_bytes(b"records")
        os.utime(records / name, (time.time() - days * 24 * 3600,) * 2)
    generation.draw_dataset(tmp_path / "data", images=6, size=(120, 90))
    dataset = Options().open(str(tmp_path / "data"))

    training.prepare(dataset, Options(init="none"))
    assert [name for name in ages if (records / name).exists()] == ["yesterday", "today"]
    assert f"{records / 'old'}: removed 0.0 GB of records, last used 100 days ago" in capsys.readouterr().err
    training.prepare(dataset, Options(init="none", cache_gb=0))
    assert [name for name in ages if (records / name).exists()] == ["today"]
    assert len(list(records.iterdir())) == 3


@pytest.mark.parametrize(
    ("given", "frozen"),
    [
        ({"init": "weights/nanodet.param"}, True),
        ({"init": "weights/nanodet.onnx"}, True),
        ({"init": "zoo", "size": 416}, True),
        ({"init": "zoo", "size": 320}, False),
        ({"init": "weights/nanodet.ckpt"}, False),
        # What `train.weights --fetch` wrote, and runs.
        ({"init": "weights", "size": 416}, True),
        ({"init": "weights", "size": 320}, False),
        ({"init": "runs/folded"}, True),
        ({"init": "runs/trained"}, False),
        ({"init": "none"}, False),
    ],
)
def test_folded_batch_norms_keep_their_statistics(given, frozen, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("weights").mkdir()
    for name in ("nanodet-plus-m_416.onnx", "nanodet-plus-m_320_checkpoint.ckpt"):
        Path("weights", name).touch()
    for name, mean in (("folded", [0.0, 0.0]), ("trained", [0.0, 0.1])):
        Path("runs", name).mkdir(parents=True)
        key = "model/backbone.conv1.1.running_mean/.ATTRIBUTES/VARIABLE_VALUE"
        tf.raw_ops.SaveV2(prefix=f"runs/{name}/ckpt-0", tensor_names=[key], shape_and_slices=[""], tensors=[tf.constant(mean)])
    said: list[str] = []
    found = training.with_folded_norms(Options(model="nanodet_plus_m", **given), said.append)
    assert found.frozen_statistics == frozen == bool(said)
    assert training.with_folded_norms(found, said.append) == found and len(said) == frozen
    assert not training.with_folded_norms(Options(init="weights/other.onnx"), said.append).frozen_statistics
