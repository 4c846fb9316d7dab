"""The training command: exit codes, errors that leave no files, and complete runs of two steps."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml

from runtime.common.command import exit_code
from tests.support import (
    detector_320,
    voc_samples,
)
from tests.support.paths import ROOT
from train import bench
from train.__main__ import main
from train.checkpoints import variables
from train.dataset.dataset import open_dataset
from train.evaluation import detections
from train.run import history
from train.run.run_folder import open_run
from train.sample_data import generation
from train.targets import losses


@pytest.fixture(autouse=True)
def private_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


# The input pipeline is always traced, which TensorFlow would mention.
eager_mode = pytest.mark.filterwarnings("ignore:Even though the .tf.config")


@pytest.fixture
def eager():
    """Without tracing, which takes longer than the two steps."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "data"
    generation.draw_dataset(folder, images=8, size=(120, 90))
    return folder


def first_xml(folder: Path) -> Path:
    return folder / "annotations" / "p0.xml"


def not_xml(folder):
    first_xml(folder).write_text("<annotation><object>")


def no_image(folder):
    (folder / "images" / "p0.jpg").unlink()


def cut_image(folder):
    path = folder / "images" / "p0.jpg"
    path.write_bytes(path.read_bytes()[:-200])


def other_size(folder):
    voc_samples.annotation(first_xml(folder), size=(640, 100))


def box_without_area(folder):
    voc_samples.annotation(first_xml(folder), [("cat", 9, 9, 9, 20)])


def box_outside(folder):
    voc_samples.annotation(first_xml(folder), [("cat", 4, 5, 812, 28)])


def class_only_in_validation(folder):
    voc_samples.annotation(first_xml(folder), [("dog", 4, 5, 30, 28)])
    lists = folder / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (folder / "annotations").rename(folder / "Annotations")
    (folder / "images").rename(folder / "JPEGImages")
    (lists / "trainval.txt").write_text("p1\np2\np3\n")
    (lists / "test.txt").write_text("p0\n")


def empty(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def missing(folder):
    shutil.rmtree(folder)


BAD_DATA = {
    not_xml: "p0.xml",
    no_image: "p0",
    cut_image: "p0.jpg",
    other_size: "640 x 100",
    box_without_area: "p0.xml",
    box_outside: "812",
    class_only_in_validation: "all boxes in validation are of classes without a box in training ('dog')",
    empty: "data",
    missing: "no such data set",
}


@pytest.mark.parametrize("damage", BAD_DATA, ids=lambda damage: damage.__name__)
def test_bad_data_is_one_line_and_leaves_nothing(damage, tmp_path, capsys):
    data = voc_samples.data_set(tmp_path / "data")
    damage(data)
    arguments = [str(data), "--init", "none", "--out", str(tmp_path / "runs" / "bad"), "--steps", "1", "--strict"]
    assert exit_code(main, arguments) == 2
    assert_one_line(capsys.readouterr(), BAD_DATA[damage])
    assert not (tmp_path / "runs").exists()


BAD_OPTIONS = [
    (["--steps", "0"], "--steps must be at least 1"),
    (["--batch", "-1"], "--batch must be at least 1"),
    (["--validate-every", "0"], "--validate-every must be at least 1"),
    (["--rate", "0"], "--rate must be a number above 0"),
    (["--rate", "nan"], "--rate must be a number above 0"),
    (["--momentum", "1"], "--momentum must be at least 0 and below 1"),
    (["--seed", "-1"], "--seed must lie between"),
    (["--val-split", "1.5"], "between 0 and 1"),
    (["--val", "nowhere"], "nowhere: no such data set"),
    (["--format", "unheard_of"], "unheard_of"),
    (["--init", "nowhere"], "nowhere: no checkpoint here"),
    (["--hue", "0.6"], "--hue must lie between 0 and 0.5"),
    (["--vflip", "2"], "--vflip must lie between 0 and 1"),
    (["--label-smoothing", "1"], "--label-smoothing must be at least 0 and below 1"),
    (["--class-weights", "cow=2"], "cow is no class of"),
    (["--logger", "nothing"], "no logger is called 'nothing'"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS, ids=lambda value: " ".join(value[:1]))
def test_a_bad_option_is_one_line_and_leaves_nothing(options, message, tmp_path, capsys):
    data = voc_samples.data_set(tmp_path / "data")
    arguments = [str(data), "--init", "none", "--out", str(tmp_path / "runs" / "bad"), *options]
    assert exit_code(main, arguments) == 2
    assert_one_line(capsys.readouterr(), message)
    assert not (tmp_path / "runs").exists()


def test_a_checkpoint_of_another_network_leaves_nothing(tmp_path, capsys):
    data = voc_samples.data_set(tmp_path / "data")
    tf.train.Checkpoint(x=tf.Variable(1.0)).write(str(tmp_path / "other" / "ckpt-0"))
    out = tmp_path / "runs" / "bad"
    assert exit_code(main, [str(data), "--init", str(tmp_path / "other"), "--out", str(out)]) == 2
    assert_one_line(capsys.readouterr(), "not a checkpoint of")
    assert not (tmp_path / "runs").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path, capsys):
    data = voc_samples.data_set(tmp_path / "data")
    (tmp_path / "file").write_text("mine")
    for out, message in ((data, "not empty"), (tmp_path / "file", "this is a file"), (tmp_path / "file" / "x", "cannot be made")):
        assert exit_code(main, [str(data), "--init", "none", "--out", str(out)]) == 2
        assert_one_line(capsys.readouterr(), message)
    assert (tmp_path / "file").read_text() == "mine"


def test_wrong_usage(tmp_path):
    wrong = (
        [],
        ["data"],
        ["data", "--out", "x", "--size", "3OO"],
        ["data", "--out", "x", "--model", "ssd_mobilenet_v9"],
        ["data", "--out", "x", "--steps", "1", "--epochs", "1"],
        ["--resume", "x", "--out", "x"],
    )
    for arguments in wrong:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2


def test_the_command_itself_says_what_is_wrong_without_a_traceback(tmp_path):
    command = [sys.executable, "-m", "train", str(tmp_path / "none"), "--out", str(tmp_path / "run")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2 and ended.stdout == ""
    assert ended.stderr == f"error: {tmp_path / 'none'}: no such data set\n"


@eager_mode
def test_two_runs_with_one_seed_are_equal_and_complete(images, tmp_path, eager, capsys, shared):
    outs = [tmp_path / "runs" / name for name in ("one", "two")]
    for out in outs:
        init = shared / "checkpoints" / "fpnlite320_standin"
        options = ["--steps", "2", "--batch", "2", "--validate-every", "2", "--seed", "3", "--init", str(init)]
        # A logger has no effect on what is trained.
        options += ["--logger", "tensorboard"] if out is outs[1] else []
        assert main([str(images), "--out", str(out), *options]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("AP ") and "orbit" not in printed.out and "restoring" not in printed.out
    assert "382 of 384 variables taken" in printed.err and "step 2/2" in printed.err
    assert f"python -m convert --run {outs[1]} --int8" in printed.err

    run = open_run(outs[0])
    names = {str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file()}
    assert names >= {
        "checkpoints/best/ckpt-0.index",
        "checkpoints/last/ckpt-2.index",
        "config.yaml",
        "dataset.json",
        "detections.json",
        "history.jsonl",
        "label_map.pbtxt",
        "labels.txt",
        "metrics.json",
        "train.log",
    }
    assert any(name.startswith("train/events") for name in names)
    assert list(run.labels()) == sorted(run.labels())
    assert len(run.dataset().train) == 6 and len(run.dataset().validation) == 2
    config = yaml.safe_load((run.path / "config.yaml").read_text())
    assert config["task"]["size"] == 320 and config["trainer"]["train_steps"] == 2
    metrics = json.loads((run.path / "metrics.json").read_text())
    assert metrics["images"] == 2 and metrics["step"] == 2 and 0 <= metrics["AP"] <= 1
    told = history.read(run.path)
    assert [line["step"] for line in told.training] == [2] and told.training[0]["loss"] > 0
    assert [(line["step"], line["AP"]) for line in told.validations] == [(2, metrics["AP"])]
    found = detections.read(run.path, run.labels())
    assert found.step == 2 and set(found.images) == {example.id for example in run.dataset().validation}

    assert list(variables.differing_keys(*outs)) == []
    assert [(out / "images").is_dir() for out in outs] == [False, True]
    last = tf.train.load_checkpoint(str(outs[0] / "checkpoints" / "last"))
    key = "model/_feature_extractor/classification_backbone/layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    start = tf.train.load_checkpoint(str(shared / "checkpoints" / "fpnlite320_standin" / "checkpoint"))
    assert not np.array_equal(last.get_tensor(key), start.get_tensor(key))


@eager_mode
def test_a_loss_that_is_not_finite_ends_the_run_and_leaves_nothing(images, tmp_path, eager, capsys, monkeypatch):
    (tmp_path / "run").mkdir()
    arguments = [str(images), "--out", str(tmp_path / "run"), "--init", "none", "--steps", "1", "--batch", "1"]
    monkeypatch.setattr(losses, "detection_losses", lambda codes, logits, *_, **__: (tf.reduce_sum(logits) * np.nan,) * 2)
    assert exit_code(main, arguments) == 1
    assert_one_line(capsys.readouterr(), "the loss is no longer a number; train again with a lower --rate")
    assert list((tmp_path / "run").iterdir()) == []


def test_the_benchmark_needs_a_step_per_round(images, capsys):
    assert exit_code(bench.main, [str(images), "--steps", "3"]) == 2
    assert_one_line(capsys.readouterr(), "--steps must be at least 4")


def assert_one_line(printed, message: str) -> None:
    errors = [line for line in printed.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and message in errors[0], printed.err
    assert "Traceback" not in printed.err and printed.out == ""
    assert printed.err.rstrip().endswith(errors[0])


def test_validation_images_without_any_box_are_extended(tmp_path):
    """Lists of a data set that would measure nothing are helped out, and that is said."""
    data = voc_samples.data_set(tmp_path / "data")
    class_only_in_validation(data)
    voc_samples.annotation(data / "Annotations" / "p0.xml", [])
    dataset = open_dataset(data)
    assert "p0" in {example.id for example in dataset.validation} and len(dataset.validation) == 2
    assert any(example.boxes for example in dataset.validation) and len(dataset.train) == 2
    assert "not one box in its own 1 validation images" in dataset.problems[-1]


def test_a_size_that_the_network_does_not_take_is_refused_before_the_data_is_read(tmp_path, capsys):
    assert exit_code(main, [str(tmp_path / "nowhere"), "--out", str(tmp_path / "x"), "--size", "300"]) == 2
    assert_one_line(capsys.readouterr(), "multiples of 32 from 96 to 1280, not 300; the nearest is 288")


@pytest.mark.parametrize("options", [["--resume", "runs/x"], ["--qat", "runs/x"]])
def test_going_on_from_a_run_excludes_resuming_and_tuning(options, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--from", "runs/old", *options])
    assert ended.value.code == 2
    assert "--from RUN begins a new float run" in capsys.readouterr().err
