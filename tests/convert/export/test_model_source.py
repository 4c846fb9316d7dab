"""Models of the Object Detection API, with the weights of a run: they convert as that run does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tensorflow as tf

from convert.__main__ import main
from convert.export.export import Options, _postprocessing, source_of_run
from convert.export.model_source import source_of_model, with_data
from runtime.common.errors import InputError
from runtime.common.values import Labels
from tests.support import api_model
from tests.support.paths import ROOT
from tests.support.trained import trained
from train.checkpoints import variables
from train.evaluation import checkpoint_detector
from train.run.run_folder import RunFolder

pytestmark = pytest.mark.long

LAYOUTS = {
    "exported": api_model.write_exported,
    "training": api_model.write_training,
    "saved model": api_model.write_saved_model,
}


@pytest.fixture(scope="module")
def models(trained, tmp_path_factory) -> dict[str, Path]:
    """The run's weights in each layout, with its label map."""
    run = RunFolder(trained.run)
    network = checkpoint_detector.load(run.network(), run.checkpoint, run.size(), 4)
    folders = {}
    for name, write in LAYOUTS.items():
        folders[name] = write(tmp_path_factory.mktemp("model") / "my model", network, api_model.pipeline())
        shutil.copy(run.path / "label_map.pbtxt", folders[name] / "label_map.pbtxt")
    return folders


def test_classes_that_the_model_does_not_know_are_named(trained):
    theirs = source_of_run(RunFolder(trained.run))
    lines: list[str] = []
    with_data(theirs, trained.data, say=lines.append)
    assert lines == []
    first, *others = theirs.labels.names
    with_data(replace(theirs, labels=Labels(("something", *others))), trained.data, say=lines.append)
    (line,) = lines
    assert f"no class called {first}:" in line


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_source_is_that_of_the_run(layout, models, trained):
    """Weights, size, classes, and the images to calibrate and to measure on: all that int8 and its gate depend on."""
    run = RunFolder(trained.run)
    theirs = source_of_run(run)
    source = source_of_model(models[layout], data=trained.data, say=lambda line: None)
    source = with_data(source, trained.data)
    if layout != "saved model":
        # A SavedModel has other keys; that its weights are taken, the next test shows.
        assert list(variables.differing_keys(theirs.checkpoint, source.checkpoint)) == []
    assert (source.size, source.labels, source.fullest) == (theirs.size, theirs.labels, theirs.fullest)
    assert [image.id for image in source.calibration] == [image.id for image in theirs.calibration]
    assert [image.id for image in source.validation.images] == [image.id for image in theirs.validation.images]
    assert source.reported is None, "measured, since nothing was reported"
    assert (source.detections, source.score, source.iou) == (100, theirs.score, theirs.iou)
    assert source.about["object_detection_api"]["labels"].endswith("label_map.pbtxt")


def test_a_folder_converts_to_the_file_of_the_run(models, trained, capsys):
    """By the command, from the SavedModel: byte for byte, with boxes, metadata and threshold."""
    folder = models["saved model"]
    assert main([str(folder), "--fp16", "--data", str(trained.data), "--detections", "50", "--max-drop", "0.1"]) == 0
    made = folder / "export" / "detector_fp16.tflite"
    assert made.read_bytes() == trained.fp16.read_bytes()
    manifest = json.loads((folder / "export" / "manifest.json").read_text())
    assert manifest["object_detection_api"]["folder"] == str(folder)
    assert manifest["data"] == str(trained.data)
    assert manifest["files"]["detector_fp16.tflite"]["threshold"]
    said = capsys.readouterr().out
    assert "measured as in training" in said and "num_classes" not in said


def test_the_weights_count_where_the_configuration_says_otherwise(models, tmp_path):
    folder = shutil.copytree(models["exported"], tmp_path / "model")
    (folder / "pipeline.config").write_text(api_model.pipeline({"num_classes: 4": "num_classes: 1"}))
    lines: list[str] = []
    source = source_of_model(folder, say=lines.append)
    assert len(source.labels) == 4
    assert "num_classes is 1, but the weights are for 4 classes" in lines[0]


def test_the_configurations_post_processing_is_the_default(models, tmp_path):
    folder = shutil.copytree(models["exported"], tmp_path / "model")
    changes = {
        "score_threshold: 9.99999993922529e-09": "score_threshold: 0.3",
        "iou_threshold: 0.6000000238418579": "iou_threshold: 0.45",
        "max_total_detections: 100": "max_total_detections: 20",
    }
    (folder / "pipeline.config").write_text(api_model.pipeline(changes))
    source = source_of_model(folder, say=lambda line: None)
    made = _postprocessing(source, Options())
    assert (made.score, made.iou, made.detections) == (0.3, 0.45, 20)
    made = _postprocessing(source, Options(score=0.1, iou=0.7, detections=60))
    assert (made.score, made.iou, made.detections) == (0.1, 0.7, 60)


def test_another_network_leaves_nothing_behind(models, trained, tmp_path):
    folder = shutil.copytree(models["exported"], tmp_path / "model")
    (folder / "pipeline.config").write_text(api_model.pipeline({"depth: 128": "depth: 256"}))
    with pytest.raises(InputError, match=r"fpn\.additional_layer_depth 256.*predictor\.depth 256"):
        main([str(folder), "--int8", "--data", str(trained.data)])
    assert not (folder / "export").exists()


def test_weights_that_are_not_those_of_the_configuration_are_refused(models, trained, tmp_path):
    folder = tmp_path / "model"
    (folder / "checkpoint").mkdir(parents=True)
    shutil.copy(models["exported"] / "pipeline.config", folder)
    tf.train.Checkpoint(model=tf.train.Checkpoint(dense=tf.Variable(1.0))).write(str(folder / "checkpoint" / "ckpt-0"))
    with pytest.raises(InputError, match="not a checkpoint of a network of this kit"):
        main([str(folder), "--int8", "--data", str(trained.data)])


def test_a_saved_model_without_variables_has_its_weights_beside_it(models, tmp_path):
    """TensorFlow 1's exporter puts them into the graph, and writes a checkpoint."""
    folder = shutil.copytree(models["exported"], tmp_path / "model")
    (folder / "saved_model" / "variables").mkdir(parents=True)
    (folder / "saved_model" / "saved_model.pb").write_bytes(b"")
    source = source_of_model(folder / "saved_model", say=lambda line: None)
    assert source.checkpoint == folder / "checkpoint" / "ckpt-0"


def test_weights_of_another_network_of_the_kit_are_named(models, tmp_path):
    folder = shutil.copytree(models["exported"], tmp_path / "model")
    (folder / "pipeline.config").write_text(api_model.PIPELINES["ssd_mobilenet_v2_keras"])
    with pytest.raises(InputError) as caught:
        source_of_model(folder)
    message = str(caught.value)
    assert "not a checkpoint of SSD MobileNet v2 of TensorFlow 2 (2020)" in message and "\n" not in message
    assert "but of SSD MobileNet v2 FPNLite; put the pipeline.config that these weights were trained with" in message


def test_another_architecture_is_one_line_and_exit_2_without_tensorflow(tmp_path):
    """TensorFlow takes seconds to load, and says things that hide the line."""
    changes = {"ssd_mobilenet_v2_fpn_keras": "ssd_resnet50_v1_fpn_keras"}
    (tmp_path / "pipeline.config").write_text(api_model.pipeline(changes))
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('loaded')")
    done = subprocess.run(
        [sys.executable, "-m", "convert", str(tmp_path), "--int8"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "ssd with ssd_resnet50_v1_fpn_keras is not a network of the kit" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["FOLDER", "--int8", "--run", "x"], "one of FOLDER, --run and --checkpoint"),
        (["--int8", "--data", "x"], "--data and --val are for FOLDER and --checkpoint"),
        (["--int8", "--labels", "x"], "--labels and --calibration-images are for FOLDER and --checkpoint"),
        (["FOLDER", "--int8", "--val", "x"], "--val needs --data"),
    ],
)
def test_options_that_do_not_go_together(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2 and message in capsys.readouterr().err


def test_a_run_may_be_given_as_a_folder(trained, capsys):
    """And then has its own data."""
    with pytest.raises(SystemExit):
        main([str(trained.run), "--fp16", "--data", str(trained.data)])
    assert "a run has its own images" in capsys.readouterr().err


def test_int8_without_images_says_how_to_give_them(models):
    with pytest.raises(InputError, match=r"--calibration-images.*--data"):
        main([str(models["exported"]), "--int8"])
    assert not (models["exported"] / "export").exists()
