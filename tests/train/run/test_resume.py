"""Resuming a run: only with its own settings, data set and checkpoint."""

from __future__ import annotations

import json

import pytest
import tensorflow as tf
import yaml

from runtime.common.errors import InputError
from tests.support import voc_samples
from train.checkpoints import files
from train.run import resume
from train.run.options import Options
from train.run.run_folder import RunFolder

STARTED = Options(size=320, momentum=0.99, steps=50, rate=0.1, val_split=0.3)


@pytest.fixture
def data(tmp_path):
    return voc_samples.data_set(tmp_path / "data")


@pytest.fixture
def run(data, tmp_path) -> RunFolder:
    run = RunFolder(tmp_path / "run")
    dataset = STARTED.open(str(data))
    run.write_dataset(dataset)
    run.write_config(resume.config_sections(dataset, STARTED))
    return run


def checkpoint(run: RunFolder, step: int = 7, **said) -> str:
    """A last checkpoint that says of itself what it should, but for what is `said`; returns what is expected."""
    expected = resume.identity(run.dataset(), STARTED)
    identity = tf.Variable(json.dumps({**json.loads(expected), **said}))
    written = tf.train.Checkpoint(identity=identity, global_step=tf.Variable(step, dtype=tf.int64))
    files.put(run.last, written.write(str(run.last / ".ckpt-new" / "ckpt")), step)
    return expected


def edit(run: RunFolder, section: str, **values) -> None:
    config = run.config()
    config[section].update(values)
    (run.path / "config.yaml").write_text(yaml.safe_dump(config))


def test_the_settings_are_the_runs_own(run):
    assert resume.settings(run, {}) == STARTED
    assert resume.settings(run, {"steps": 50, "rate": 0.1}) == STARTED


@pytest.mark.parametrize(("recorded", "given"), [("2x1", "2x1,overlap=0.2"), (None, "none"), (None, None)])
def test_tiles_are_compared_by_what_they_are(run, recorded, given):
    edit(run, "options", tiles=recorded)
    assert resume.settings(run, {"tiles": given}).tiles == recorded


def test_other_tiles_are_refused(run):
    edit(run, "options", tiles="2x1")
    for given in ("2x2", "none"):
        with pytest.raises(InputError, match=f"--tiles: this run was started with 2x1, not with {given}"):
            resume.settings(run, {"tiles": given})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": 60}, "--steps: this run was started with 50, not with 60; leave it out"),
        ({"size": 640}, "--size: this run was started with 320, not with 640"),
        ({"patience": 2}, "--patience: this run was started with the default, not with 2"),
        ({"photometric": False}, "--no-photometric: this run was started without it"),
        ({"val_split": 0.2}, "--val-split: this run was started with 0.3, not with 0.2"),
    ],
)
def test_an_option_that_disagrees_is_refused_by_name(given, message, run):
    with pytest.raises(InputError, match=message):
        resume.settings(run, given)


def test_devices_and_checkpoint_interval_may_change(run):
    given = {"checkpoint_every": 3, "strategy": "mirrored", "rehash": True, "cache_gb": 5.0}
    settings = resume.settings(run, given)
    assert (settings.checkpoint_every, settings.strategy) == (3, "mirrored")
    assert settings.steps == 50


def test_a_damaged_config_is_an_error(run):
    edit(run, "options", steps="many")
    with pytest.raises(InputError, match=r"config\.yaml: steps cannot be 'many'"):
        resume.settings(run, {})
    run.write_config({"task": {}})
    with pytest.raises(InputError, match=r"config\.yaml: it has no section options"):
        resume.settings(run, {})


def test_the_data_set_is_the_recorded_one_or_a_copy(run, data, tmp_path):
    written_down = resume.dataset(run, STARTED)
    moved = data.rename(tmp_path / "data2")
    opened = resume.dataset(run, STARTED, str(moved))
    assert opened.labels == written_down.labels and len(opened.train) == len(written_down.train)


def test_another_data_set_is_refused(run, data):
    voc_samples.annotation(data / "annotations" / "p0.xml", [("cat", 1, 1, 9, 9)])
    with pytest.raises(InputError, match=r"data: not the data set that .*run was trained on"):
        resume.dataset(run, STARTED, str(data))
    for path in (data / "annotations").iterdir():
        voc_samples.annotation(path, [("dog", 4, 5, 30, 28)])
    with pytest.raises(InputError, match=r"data: the labels are dog, but .*run was trained on cat"):
        resume.dataset(run, STARTED, str(data))


def test_files_of_another_run_are_refused(run):
    listed = json.loads((run.path / "dataset.json").read_text())
    listed["train"] = listed["train"][:-1]
    (run.path / "dataset.json").write_text(json.dumps(listed))
    with pytest.raises(InputError, match=r"dataset\.json: not the data set"):
        resume.dataset(run, STARTED)
    (run.path / "labels.txt").write_text("cat\ndog\n")
    with pytest.raises(InputError, match=r"labels\.txt: the labels are cat, dog, but .*run was trained on cat"):
        resume.dataset(run, STARTED)


def test_without_a_checkpoint_it_starts_again(run):
    assert resume.first_step(run, resume.identity(run.dataset(), STARTED)) == 0


def test_the_step_of_the_last_checkpoint(run):
    assert resume.first_step(run, checkpoint(run)) == 7


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"labels": ["dog", "hen"]}, "ckpt-7: a checkpoint for the labels dog, hen, but the run's are cat"),
        ({"size": 640}, "ckpt-7: a checkpoint of size 640, but the run's size is 320"),
        ({"data": "0"}, "ckpt-7: a checkpoint of a run on another data set"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_says_why(said, message, run):
    with pytest.raises(InputError, match=message):
        resume.first_step(run, checkpoint(run, **said))


def test_a_checkpoint_without_training_state_is_refused(run):
    written = tf.train.Checkpoint(x=tf.Variable(1.0)).write(str(run.last / ".ckpt-new" / "ckpt"))
    files.put(run.last, written, 1)
    with pytest.raises(InputError, match="ckpt-1: not a checkpoint that training can go on from"):
        resume.first_step(run, resume.identity(run.dataset(), STARTED))
