"""The gate holds a file to what training reported of the checkpoint, and gives it its score threshold."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from convert.contract.contract import finish
from convert.evaluation import gate
from convert.evaluation.images import of_run
from convert.export import export as exporting
from convert.export.export import Options, Source, export, source_of_run
from runtime.common.errors import KitError
from runtime.common.values import Labels
from runtime.inference.detector import Detector
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model
from tests.support.small_detector import small_detector
from tests.support.trained import trained
from train.evaluation import error_analysis
from train.evaluation.coco import Metrics
from train.run.run_folder import RunFolder

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def measured(trained) -> Metrics:
    """The figures of the fp16 file, as the manifest has them."""
    entry = json.loads((trained.fp16.parent / "manifest.json").read_text())["files"][trained.fp16.name]
    return Metrics({name: entry.get(name) for name in ("AP", "AP50")}, {}, 12)


@pytest.fixture
def source(trained, monkeypatch) -> Source:
    """The trained run; its fp16 file is taken for what the converter makes."""
    monkeypatch.setattr(exporting, "converted", lambda jobs, postprocessing: [trained.fp16.read_bytes() for _ in jobs])
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
