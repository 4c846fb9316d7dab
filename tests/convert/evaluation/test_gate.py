"""The gate holds a file to what training reported of the checkpoint, and gives it its score threshold."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from convert.contract.contract import finish
from convert.evaluation import gate
from convert.evaluation.images import EvaluationSet, of_run
from convert.export import export as exporting
from convert.export import files
from convert.export.export import Options, Source, export, source_of_run
from convert.file import anatomy, flatbuffer_objects
from runtime.common.errors import KitError
from runtime.common.values import Box, Detection, Labels
from runtime.inference.detector import Detector
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model
from tests.support.small_detector import small_detector
from tests.support.trained import trained
from train.dataset.examples.example import Example, LabelledBox
from train.evaluation import error_analysis
from train.evaluation.coco import GroundTruth, Metrics
from train.run.run_folder import RunFolder

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def measured(trained) -> Metrics:
    """The figures of the fp16 file, as the manifest has them."""
    entry = json.loads((trained.fp16.parent / "manifest.json").read_text())["files"][trained.fp16.name]
    classes = {label: found["AP"] for label, found in entry["per_class"].items()}
    return Metrics({name: entry.get(name) for name in ("AP", "AP50")}, classes, 12)


@pytest.fixture
def source(trained, monkeypatch) -> Source:
    """The trained run; its fp16 file is taken for what the converter makes."""
    monkeypatch.setattr(files, "converted", lambda jobs, postprocessing: [trained.fp16.read_bytes() for _ in jobs])
    return source_of_run(RunFolder(trained.run))


def reporting(source: Source, measured: Metrics, higher: float) -> Source:
    """`source` as if training had reported an AP that is `higher` than that of the file."""
    figures = {**measured.figures, "AP": measured["AP"] + higher}
    return replace(source, reported=replace(measured, figures=figures))


FP16 = Options(fp16=True, int8=False)


def test_a_file_under_the_reported_figure_is_rejected(source, measured, tmp_path):
    lines = []
    with pytest.raises(KitError, match=r"AP fell by 0\.0200 from .*which training reported.*--max-drop.*rejected"):
        export(reporting(source, measured, 0.02), tmp_path, FP16, say=lines.append)
    assert "as training reported it" in lines[0] and f"AP {measured['AP'] + 0.02:.4f}" in lines[0]
    assert not (tmp_path / "detector_fp16.tflite").exists() and not (tmp_path / "manifest.json").exists()
    assert (tmp_path / "detector_fp16.rejected.tflite").is_file()


@pytest.mark.parametrize("higher", [0.005, -0.3])
def test_a_file_near_or_above_the_reported_figure_passes(source, measured, tmp_path, higher):
    # The checkpoint itself would measure neither: the figures that training reported are what counts.
    export(reporting(source, measured, higher), tmp_path, FP16, say=lambda line: None)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["checkpoint_figures"]["AP"] == pytest.approx(measured["AP"] + higher)
    assert manifest["files"]["detector_fp16.tflite"]["AP"] == pytest.approx(measured["AP"], abs=1e-6)


def test_a_drop_may_be_allowed(source, measured, tmp_path):
    export(reporting(source, measured, 0.02), tmp_path, replace(FP16, max_drop=0.03), say=lambda line: None)
    assert (tmp_path / "detector_fp16.tflite").is_file()


def test_a_checkpoint_with_reported_figures_is_not_measured_again(source, measured, monkeypatch, tmp_path):
    monkeypatch.setattr(exporting, "evaluate_checkpoint", lambda *arguments, **options: pytest.fail("it was measured"))
    export(reporting(source, measured, 0), tmp_path, FP16, say=lambda line: None)


def test_a_checkpoint_without_reported_figures_is_measured(source, measured, monkeypatch, tmp_path):
    better = replace(measured, figures={**measured.figures, "AP": measured["AP"] + 0.02})
    monkeypatch.setattr(exporting, "evaluate_checkpoint", lambda *arguments, **options: better)
    lines = []
    with pytest.raises(KitError, match=r"AP fell by 0\.0200"):
        export(replace(source, reported=None), tmp_path, FP16, say=lines.append)
    assert "measured as in training" in lines[0]


def test_a_run_that_reported_no_classes_has_them_measured(source, measured, monkeypatch, tmp_path):
    worse = replace(measured, figures=dict.fromkeys(measured.figures, 0.1), per_class=dict.fromkeys(measured.per_class, 0.7))
    monkeypatch.setattr(exporting, "evaluate_checkpoint", lambda *arguments, **options: worse)
    lines = []
    reported = replace(measured, per_class={})
    export(replace(source, reported=reported), tmp_path, replace(FP16, max_class_drop=1.0), say=lines.append)
    assert f"AP {measured['AP']:.4f}" in lines[0] and "its classes measured as in training" in lines[0]
    entry = json.loads((tmp_path / "manifest.json").read_text())["files"]["detector_fp16.tflite"]
    assert {found["checkpoint_AP"] for found in entry["per_class"].values()} == {0.7}


def without_class(model: bytes, number: int, classes: int) -> bytes:
    """The int8 file `model` with the logits of one class at their lowest, whatever the image."""
    objects = flatbuffer_objects.unpack(model)
    graph = objects.subgraphs[0]
    makers = {index: step for step in graph.operators for index in step.outputs}
    (joined,) = (makers[index] for index in anatomy.required_postprocess(Model.parse(model)).inputs[1:])
    for level in joined.inputs:
        # Each level is a convolution, and a reshape behind it.
        bias = makers[makers[level].inputs[0]].inputs[2]
        buffer = objects.buffers[graph.tensors[bias].buffer]
        values = np.frombuffer(buffer.data.tobytes(), np.int32).copy()
        values[number::classes] = -(2**24)
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    return flatbuffer_objects.pack(objects)


def test_a_destroyed_class_is_named(trained, tmp_path):
    run = RunFolder(trained.run)
    data, labels, reported = of_run(run), run.labels(), Metrics.from_dict(run.metrics())
    whole = trained.int8.read_bytes()
    damaged = finish(without_class(whole, labels.index("ring"), len(labels)), labels=labels)
    options = {"validation": data, "reference": reported, "max_drop": 1.0}
    with pytest.raises(KitError, match=r"AP of class ring fell by .* to 0\.0000 over its 14 boxes") as error:
        gate.admit(lambda _: damaged, tmp_path / "a.tflite", "int8", **options)
    # Its three neighbours are as they were.
    assert str(error.value).count("AP of class") == 1 and "--max-class-drop 0.05" in str(error.value)
    gate.admit(lambda _: damaged, tmp_path / "b.tflite", "int8", **options, max_class_drop=1.0)
    gate.admit(lambda _: finish(whole, labels=labels), tmp_path / "c.tflite", "int8", **options, max_class_drop=0.1)


def test_one_class_of_ninety_is_not_lost_in_the_mean(small_detector, monkeypatch, tmp_path):
    labels = Labels(tuple(f"class {number}" for number in range(90)))
    box = Box(10, 10, 50, 50)
    examples = [
        Example(f"{number}-{copy}", tmp_path / "none.jpg", 64, 64, (LabelledBox(label, box),))
        for number, label in enumerate(labels)
        for copy in range(10)
    ]
    truth = GroundTruth.from_examples(examples, labels)
    data = EvaluationSet((), truth, "made up")
    found = {
        example.id: (Detection(example.boxes[0].label, labels.index(example.boxes[0].label), 0.9, box),)
        for example in examples
        if example.boxes[0].label != "class 7"
    }
    monkeypatch.setattr(gate, "file_detections", lambda *arguments, **options: found)
    reported = Metrics({"AP": 0.99}, {**dict.fromkeys(labels, 1.0), "class 7": 0.9}, 900)
    with pytest.raises(KitError, match=r"class 7 fell by 0\.9000 from 0\.9000 to 0\.0000 over its 10 boxes") as error:
        gate.admit(
            lambda _: small_detector.built_in_fp16, tmp_path / "a.tflite", "fp16", validation=data, reference=reported
        )
    assert "AP fell by" not in str(error.value), "the mean alone would have let it pass"


def test_the_threshold_is_in_the_file_and_in_the_manifest(trained):
    manifest = json.loads((trained.fp16.parent / "manifest.json").read_text())
    for path in (trained.fp16, trained.int8):
        written = manifest["files"][path.name]["threshold"]
        metadata = Metadata.of(Model.read(path))
        said = {output.name: output.score_threshold for output in metadata.outputs}
        assert said.pop("score") == pytest.approx(written["score"], abs=1e-6)
        assert 0 < written["score"] < 1 and set(said.values()) == {None}
        assert set(written["per_class"]) == set(manifest["labels"])
        assert all(set(item) == {"score", "precision", "recall", "F1"} for item in written["per_class"].values())
        assert Detector(path).score == pytest.approx(written["score"], abs=1e-6)
        assert f"from score {written['score']:g} on" in "\n".join(trained.lines)


def test_the_threshold_is_the_best_one_on_the_validation_images(trained):
    data = of_run(RunFolder(trained.run))
    detector = Detector(trained.int8)
    def f1(score: float) -> float:
        detector.score = score
        seen = {image.id: detector(image.load()) for image in data.images}
        curve = error_analysis.pooled(error_analysis.curves(data.truth.labelled(), seen, data.truth.labels).values())
        return curve.f1_at(0.0)

    written = json.loads((trained.int8.parent / "manifest.json").read_text())["files"][trained.int8.name]["threshold"]
    at = f1(detector.score)
    assert at == pytest.approx(written["F1"], abs=1e-4)
    assert at >= max(f1(score) for score in np.arange(0.05, 1, 0.05)) - 0.001


def test_a_file_with_the_custom_operation_is_told_to_do_without(trained, small_detector, tmp_path):
    data = of_run(RunFolder(trained.run))
    perfect = Metrics({"AP": 1.0}, {}, len(data.images))
    # Three of the run's classes, of which it finds none.
    model = finish(small_detector.fp16, labels=Labels(data.truth.labels.names[:3]))
    with pytest.raises(KitError, match=r"--post-processing built-in") as error:
        gate.admit(lambda _: model, tmp_path / "a.tflite", "fp16", validation=data, reference=perfect)
    assert "calibrate" not in str(error.value)
