"""Converting a run, with a detector that was trained for the tests."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from convert.contract import contract
from convert.evaluation import gate
from convert.evaluation.evaluate import evaluate_checkpoint, evaluate_file, evaluate_run
from convert.evaluation.images import of_dataset, of_run
from convert.export.export import Options, _postprocessing, export, source_of_checkpoint, source_of_run
from convert.file.postprocessing import Postprocessing
from convert.quantization_report import as_text, image, report
from runtime.common.errors import InputError, KitError
from runtime.common.values import Labels
from runtime.model.tflite import Model
from tests.support.trained import ROOT, trained
from train.evaluation.coco import FIGURES, Metrics
from train.run.run_folder import RunFolder

pytestmark = pytest.mark.long


def run_command(*arguments, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_files_keep_the_contract(trained):
    assert contract.check(trained.fp16.read_bytes(), expect="fp16") == ()
    assert contract.check(trained.int8.read_bytes(), expect="int8") == ()


def test_files_keep_the_checkpoints_accuracy(trained):
    run = RunFolder(trained.run)
    data = of_run(run)
    published = evaluate_run(run, data, progress=False)
    checkpoint = evaluate_checkpoint(
        run.checkpoint, 320, run.labels(), data, postprocessing=Postprocessing(), progress=False
    )
    fp16 = evaluate_file(trained.fp16, data, progress=False)
    int8 = evaluate_file(trained.int8, data, progress=False)
    assert published["AP50"] > 0.5
    assert published["AP"] == pytest.approx(run.metrics()["AP"], abs=0.02)
    assert checkpoint["AP"] == pytest.approx(fp16["AP"], abs=0.01)
    assert checkpoint["AP"] - int8["AP"] < 0.05


def test_int8_takes_camera_bytes_and_has_25_slots(trained):
    graph = Model.read(trained.int8).main
    (image,) = (graph.tensors[i] for i in graph.inputs)
    assert image.type == "uint8"
    assert image.quantization.scales[0] == pytest.approx(1 / 127.5, rel=1e-6)
    assert image.quantization.zero_points[0] in (127, 128)
    assert [tuple(graph.tensors[i].shape) for i in graph.outputs] == [(1, 25, 4), (1, 25), (1, 25), (1,)]


def test_full_images_get_more_slots(trained):
    source = source_of_run(RunFolder(trained.run))
    assert _postprocessing(source, Options()).detections == 25
    assert _postprocessing(replace(source, fullest=13), Options()).detections == 100
    assert _postprocessing(replace(source, fullest=13), Options(detections=30)).detections == 30


def test_int8_joins_levels_without_requantizing(trained):
    graph = Model.read(trained.int8).main
    names = [operator.name for operator in graph.operators]
    assert names.count("QUANTIZE") == 1, "only the camera's bytes are requantized"
    assert names.count("CONCATENATION") == 2
    assert names.count("DEQUANTIZE") == 2


def test_every_class_is_found_with_any_number_of_threads(trained):
    data = of_run(RunFolder(trained.run))
    by_threads = [evaluate_file(trained.fp16, data, threads=threads, progress=False) for threads in (1, 2, 3)]
    assert sum(ap > 0.05 for ap in by_threads[0].per_class.values()) >= 3
    for metrics in by_threads[1:]:
        assert metrics.per_class == pytest.approx(by_threads[0].per_class, abs=0.01)


def test_manifest_describes_the_files(trained):
    manifest = json.loads((trained.int8.parent / "manifest.json").read_text())
    for path in (trained.fp16, trained.int8):
        entry = manifest["files"][path.name]
        assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert entry["bytes"] == path.stat().st_size
        assert 0 < entry["AP"] <= 1
    assert manifest["files"]["detector_int8.tflite"]["operations"]["CONV_2D"] == 72
    assert manifest["labels"] == list(RunFolder(trained.run).labels())
    assert len(manifest["calibration"]["pictures"]) == 40
    assert set(manifest) >= {"kit", "tensorflow", "converter", "run", "data", "gate", "post_processing"}


def test_evaluates_only_what_was_not_trained_on(trained):
    run = RunFolder(trained.run)
    data = of_dataset(trained.data, run)
    trained_on = {example.id for example in run.dataset().train}
    assert {image.id for image in data.images} == {example.id for example in run.dataset().validation}
    assert not trained_on & {image.id for image in data.images}


def test_a_checkpoint_of_other_classes_is_refused(trained):
    run = RunFolder(trained.run)
    with pytest.raises(InputError, match="4 classes"):
        evaluate_checkpoint(run.checkpoint, 320, Labels(("ring", "star")), of_run(run), progress=False)


def test_a_file_that_loses_too_much_is_rejected_and_kept(trained, tmp_path):
    model, data = trained.fp16.read_bytes(), of_run(RunFolder(trained.run))
    perfect = Metrics({**dict.fromkeys(FIGURES, 1.0)}, {}, len(data.images))
    with pytest.raises(KitError, match=r"AP fell by .*--max-drop.*rejected"):
        gate.admit(model, tmp_path / "detector_fp16.tflite", "fp16", validation=data, reference=perfect)
    assert [path.name for path in tmp_path.iterdir()] == ["detector_fp16.rejected.tflite"]
    file = gate.admit(model, tmp_path / "open.tflite", "fp16", validation=data, reference=perfect, closed=False)
    assert file.path.read_bytes() == model and 0 < file.metrics["AP"] < 1


def test_a_file_that_is_not_int8_is_rejected_by_name(trained, tmp_path):
    with pytest.raises(KitError, match="float32"):
        gate.admit(trained.fp16.read_bytes(), tmp_path / "detector_int8.tflite", "int8")


def test_int8_of_a_bare_checkpoint_needs_images(trained, tmp_path):
    run = RunFolder(trained.run)
    source = source_of_checkpoint(run.checkpoint, 320, run.labels(), None)
    with pytest.raises(InputError, match="--calibration-images"):
        export(source, tmp_path / "export", Options(), say=lambda line: None)
    assert not (tmp_path / "export").exists()


def test_quantization_report(trained):
    found = report(RunFolder(trained.run), images=4)
    assert len(found.layers) == 138
    by_name = {layer.name: layer for layer in found.layers}
    assert by_name["image"].own == pytest.approx(by_name["image"].total)
    assert all(layer.total < 80 for layer in found.layers)
    # Errors add up: those of the last tensors exceed their own rounding errors.
    assert by_name["classes_level_3_pointwise"].total < by_name["classes_level_3_pointwise"].own
    text = as_text(found)
    assert "checkpoint" in text and "int8" in text and found.worst()[0].name in text
    drawn = image(found.layers)
    assert drawn.dtype == np.uint8 and drawn.shape[2] == 3 and len(np.unique(drawn.reshape(-1, 3), axis=0)) > 3


def test_the_commands(trained, tmp_path):
    done = run_command("convert.evaluate", trained.int8, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert set(figures) >= {"AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "images", "per_class"}
    assert figures["images"] == 12 and set(figures["per_class"]) == set(RunFolder(trained.run).labels())

    done = run_command("runtime", trained.int8, "--source", trained.data / "JPEGImages", "--json", "-", "--frames", "3")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("convert",), "--int8"),
        (("convert", "--int8", "--run", "nowhere"), "nowhere"),
        (("convert", "--int8", "--checkpoint", "nowhere"), "nowhere"),
        (("convert.evaluate", "nowhere.tflite"), "nowhere.tflite"),
        (("convert.evaluate", "README.md", "nowhere"), "nowhere"),
        (("convert.quantization_report", "tests"), "config.yaml"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(arguments, message):
    done = run_command(*arguments)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr
