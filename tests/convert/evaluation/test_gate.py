"""The gate holds a file to what training reported of the checkpoint, and gives it its score threshold."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from convert.contract.contract import finish
from convert.contract.violation import Violation
from convert.evaluation import gate
from convert.evaluation.images import EvaluationSet, of_run
from convert.export import export as exporting
from convert.export import files
from convert.export.export import Options, Source, export, reported_of, source_of_run
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
from train.evaluation.coco import FIGURES, GroundTruth, LabelledImage, Metrics
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


class Admission:
    """The gate with all that it asks replaced: what the contract, the measurement and the advice find is set here."""

    def __init__(self, monkeypatch, folder):
        self.path = folder / "a.tflite"
        # What the contract finds in the file without a threshold, and in the finished one.
        self.first, self.second = [], []
        self.metrics, self.reference = Metrics({"AP": 0.5}, {}, 1), Metrics({"AP": 0.5}, {}, 1)
        self.score = 0.3
        self.custom = False
        self.checked, self.measured = [], []
        labels = Labels(("a", "b", "c", "d", "e"))
        # Ten boxes of each class.
        image = LabelledImage("x", tuple(LabelledBox(label, Box(0, 0, 1, 1)) for label in labels for _ in range(10)))
        truth = SimpleNamespace(measure=self._metrics, labelled=lambda: (image,), labels=labels)
        self.validation = EvaluationSet((), truth, "made up")
        monkeypatch.setattr(gate.contract, "check", self._check)
        monkeypatch.setattr(gate, "file_detections", self._detections)
        monkeypatch.setattr(gate, "best_thresholds", self._thresholds)
        monkeypatch.setattr(gate.Model, "parse", lambda data: data)
        monkeypatch.setattr(gate.anatomy, "postprocess", lambda model: SimpleNamespace(custom=self.custom))

    def _check(self, data, *, where, expect):
        self.checked.append((data, where, expect))
        return self.first if len(self.checked) == 1 else self.second

    def _detections(self, path, data, *, progress):
        assert path.read_bytes() == b"file None" and data is self.validation and progress is False
        self.measured.append(path)
        return "what is found"

    def _metrics(self, found):
        assert found == "what is found"
        return self.metrics

    def _thresholds(self, truth, found):
        assert (truth, found) == (self.validation.truth, "what is found")
        return None if self.score is None else SimpleNamespace(overall=SimpleNamespace(score=self.score))

    def __call__(self, **options):
        options = {"validation": self.validation, "reference": self.reference, **options}
        return gate.admit(lambda score: f"file {score}".encode(), self.path, "int8", **options)

    def refused(self, **options) -> str:
        self.path.unlink(missing_ok=True)
        with pytest.raises(KitError) as error:
            self(**options)
        assert not self.path.exists() and self.path.with_suffix(".rejected.tflite").is_file()
        return str(error.value)

    def of_classes(self, before: float, *after: float) -> None:
        self.metrics = replace(self.metrics, per_class=dict(zip("abcde", after)))
        self.reference = replace(self.reference, per_class=dict.fromkeys("abcde", before))


@pytest.fixture
def admission(monkeypatch, tmp_path) -> Admission:
    return Admission(monkeypatch, tmp_path)


def test_a_file_that_passes_has_its_threshold_and_its_figures(admission):
    admission.of_classes(0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
    admitted = admission()
    assert (admitted.path, admitted.kind, admitted.metrics) == (admission.path, "int8", admission.metrics)
    assert admitted.thresholds.overall.score == 0.3 and [item.label for item in admitted.classes] == list("abcde")
    assert admission.path.read_bytes() == b"file 0.3"
    # Both are checked: what was measured, and what carries the name.
    assert admission.checked == [(b"file None", "a.tflite", "int8"), (b"file 0.3", "a.tflite", "int8")]


def test_an_error_in_between_leaves_the_old_file(admission, monkeypatch):
    admission.path.write_bytes(b"old")
    monkeypatch.setattr(gate, "best_thresholds", lambda truth, found: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        admission()
    assert admission.path.read_bytes() == b"old"
    assert [path.name for path in admission.path.parent.iterdir()] == ["a.tflite"]


def test_without_images_or_a_right_detection_there_is_no_threshold(admission):
    assert admission(validation=None, reference=None) == gate.Admitted(admission.path, "int8", None)
    assert admission.path.read_bytes() == b"file None" and not admission.measured and len(admission.checked) == 1
    admission.score = None
    assert admission().thresholds is None
    assert admission.path.read_bytes() == b"file None"


def test_a_file_that_breaks_the_contract_is_not_measured_and_keeps_no_name(admission):
    admission.first = [Violation("layers", "layer x is float"), Violation("input", "no input")]
    message = admission.refused()
    rejected = admission.path.with_suffix(".rejected.tflite")
    assert message == f"a.tflite is not what an int8 file must be: layer x is float; no input (left as {rejected})"
    assert rejected.read_bytes() == b"file None" and not admission.measured


def test_the_finished_file_must_keep_the_contract_too(admission):
    admission.second = [Violation("metadata", "its threshold is odd")]
    assert "an int8 file must be: its threshold is odd (left as" in admission.refused()


def test_an_open_gate_measures_and_keeps_what_breaks_everything(admission):
    admission.first = admission.second = [Violation("layers", "layer x is float")]
    admission.metrics = Metrics({"AP": 0.1}, {}, 1)
    admitted = admission(closed=False)
    assert admitted.metrics is admission.metrics and admitted.thresholds is not None
    assert admission.path.read_bytes() == b"file 0.3"


def test_a_drop_of_just_what_is_allowed_passes(admission):
    # Fractions of two, so that the differences are exact.
    admission.reference = Metrics({"AP": 0.75}, {}, 1)
    admission(max_drop=0.25)
    assert "AP fell by 0.2500 from 0.7500" in admission.refused(max_drop=0.2499)
    admission.reference = Metrics({"AP": 0.5095}, {}, 1)
    admission()
    admission.reference = Metrics({"AP": 0.5105}, {}, 1)
    message = admission.refused()
    assert "to 0.5000 on the validation images, more than the 0.01 allowed (--max-drop); calibrate on more" in message


def test_a_figure_that_is_not_known_is_zero(admission):
    admission.reference = Metrics({"AP": None}, {}, 1)
    admission.metrics = Metrics({"AP": 0.0}, {}, 1)
    admission(max_drop=0.0)
    admission.metrics = Metrics({"AP": None}, {}, 1)
    admission(max_drop=0.0)
    admission.reference = Metrics({"AP": 0.5}, {}, 1)
    assert "AP fell by 0.5000 from 0.5000, the checkpoint's, to 0.0000" in admission.refused()


def test_without_a_reference_nothing_is_lost(admission):
    admission.metrics = Metrics({"AP": 0.0}, {}, 1)
    assert admission(reference=None).metrics is admission.metrics


@pytest.mark.parametrize(("after", "named", "rest"), [((0.1,), 1, 0), ((0.1,) * 3, 3, 0), ((0.1,) * 4, 3, 1), ((0.1,) * 5, 3, 2)])
def test_three_lost_classes_are_named_and_the_others_counted(admission, after, named, rest):
    admission.of_classes(0.9, *after)
    message = admission.refused(max_class_drop=0.25)
    assert message.count("AP of class") == named and "AP fell by" not in message
    assert ("more classes lost as much" in message) == (rest > 0) and (f"and {rest} more classes" in message) == (rest > 0)
    # 0.25 and three deviations of 0.05 / sqrt(10).
    assert "fell by 0.8000 from 0.9000 to 0.1000 over its 10 boxes, more than the 0.2974 that --max-class-drop 0.25" in message
    admission(max_class_drop=0.8)


def test_a_class_may_lose_a_twentieth_and_chance(admission):
    admission.of_classes(0.9, 0.81)
    admission()
    admission.of_classes(0.9, 0.80)
    assert "AP of class a fell by 0.1000" in admission.refused()


def test_the_advice_is_that_of_the_post_processing(admission):
    admission.reference = Metrics({"AP": 0.9}, {}, 1)
    message = admission.refused()
    assert "; calibrate on more images" in message and "built-in" not in message
    admission.custom = True
    message = admission.refused()
    assert "--post-processing built-in" in message and "calibrate" not in message


def test_a_file_under_the_reported_figure_is_rejected(source, measured, tmp_path):
    lines = []
    with pytest.raises(KitError, match=r"AP fell by 0\.0200 from .*the checkpoint's.*--max-drop.*rejected"):
        export(reporting(source, measured, 0.02), tmp_path, FP16, say=lines.append)
    assert "as training reported it" in lines[0] and f"AP {measured['AP'] + 0.02:.4f}" in lines[0]
    assert not (tmp_path / "detector_fp16.tflite").exists() and not (tmp_path / "manifest.json").exists()
    assert (tmp_path / "detector_fp16.rejected.tflite").is_file()


def test_where_one_file_fails_all_stay_as_they_were(source, measured, tmp_path):
    names = ("detector_fp16.tflite", "detector_dynamic_range.tflite", "labels.txt", "manifest.json")
    for name in names:
        (tmp_path / name).write_text("of before")
    # The converter's float16 file is no file of the second kind.
    both = replace(FP16, dynamic_range=True)
    with pytest.raises(KitError, match=r"detector_dynamic_range\.tflite is not .*left as .*detector_dynamic_range\.rejected"):
        export(reporting(source, measured, 0), tmp_path, both, say=lambda line: None)
    assert {path.name for path in tmp_path.iterdir()} == {*names, "detector_dynamic_range.rejected.tflite"}
    assert {(tmp_path / name).read_text() for name in names} == {"of before"}


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
        # The manifest has four decimals.
        assert said.pop("score") == pytest.approx(written["score"], abs=5.1e-5)
        assert 0 < written["score"] < 1 and set(said.values()) == {None}
        assert set(written["per_class"]) == set(manifest["labels"])
        assert all(set(item) == {"score", "precision", "recall", "F1"} for item in written["per_class"].values())
        assert Detector(path).score == pytest.approx(written["score"], abs=5.1e-5)
        assert f"F1 {written['F1']:.3f} from score " in "\n".join(trained.lines)


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


def test_a_run_of_quantization_aware_training_is_held_to_its_float_run(tmp_path):
    """Its own figures were taken after the loss."""

    def run(name, ap, float_run=""):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(json.dumps({"task": {"float_run": float_run} if float_run else {}}))
        (tmp_path / name / "metrics.json").write_text(json.dumps({**dict.fromkeys(FIGURES, ap), "per_class": {"cat": ap}, "images": 4}))
        return RunFolder(tmp_path / name)

    before = run("float", 0.8)
    after = run("qat", 0.5, str(before.path))
    reported, by = reported_of(after)
    assert reported["AP"] == 0.8 and by == f"as training reported it of {before.path}"
    assert reported_of(before) == (reported_of(after)[0], "as training reported it")
    shutil.rmtree(before.path)
    reported, by = reported_of(after)
    assert reported["AP"] == 0.5 and f"float run {before.path} is not there" in by
