"""The command that measures: what it measures, and on which images."""

from __future__ import annotations

import inspect

import pytest

from convert import evaluate
from convert.evaluation.checkpoints import network_of_checkpoint
from convert.evaluation.images import EvaluationSet
from convert.file.trained_on import mark
from runtime.boxes.tiles import Tiles
from runtime.common.errors import InputError
from runtime.common.values import Labels
from tests.support import tiny_detector
from tests.support.small_runs import small_run
from tests.support.voc_samples import data_set
from train.evaluation.coco import FIGURES, Metrics
from train.run.run_folder import RunFolder


@pytest.fixture
def run(tmp_path) -> RunFolder:
    run = small_run(tmp_path / "run", data_set(tmp_path / "data", 10), size=640)
    run.best.mkdir(parents=True)
    (run.best / "ckpt-7.index").touch()
    return run


@pytest.fixture
def measured(monkeypatch) -> list:
    """What `evaluate_checkpoint` was called with."""
    calls = []

    def evaluate_checkpoint(path, size, labels, data, **options):
        calls.append((size, labels, len(data.images)))
        return Metrics(dict.fromkeys(FIGURES, 0.5), {}, len(data.images))

    monkeypatch.setattr(evaluate, "evaluate_checkpoint", evaluate_checkpoint)
    return calls


@pytest.mark.parametrize("target", ["checkpoints/best", "checkpoints/best/ckpt-7", "checkpoints/best/ckpt-7.index"])
def test_a_checkpoint_has_the_size_and_the_classes_of_its_run(run, measured, target, capsys):
    assert evaluate.main([str(run.path / target)]) == 0
    assert measured == [((640, 640), Labels(("cat",)), 2)]
    assert f"on validation images of {run.path}\n" in capsys.readouterr().out


def test_size_and_labels_can_be_named(run, measured, tmp_path):
    (tmp_path / "names.txt").write_text("dog\n")
    evaluate.main([str(run.best), "--size", "320", "--labels", str(tmp_path / "names.txt")])
    assert measured == [((320, 320), Labels(("dog",)), 2)]


def test_a_checkpoint_can_be_measured_at_a_size_that_is_not_square(run, measured):
    evaluate.main([str(run.best), "--size", "192x320"])
    assert measured == [((192, 320), Labels(("cat",)), 2)]


@pytest.mark.parametrize(
    ("target", "size", "message"),
    [
        (".", "192x320", "has a size of its own; name the run's checkpoint, "),
        ("export/detector_int8.tflite", "320", "has a size of its own; leave it out"),
        ("checkpoints/best", "100", "--size: ssd_mobilenet_v2_fpnlite: sides are multiples of 32 from 96 to 1280, not 100"),
        ("checkpoints/best", "192*320", "'192\\*320' is no input size; give a side in pixels such as 320, or HEIGHTxWIDTH"),
    ],
)
def test_a_size_that_is_not_taken_is_one_line(run, measured, target, size, message):
    run.export.mkdir()
    (run.export / "detector_int8.tflite").write_bytes(b"")
    with pytest.raises(InputError, match=message) as caught:
        evaluate.main([str(run.path / target), "--size", size])
    assert "\n" not in str(caught.value) and not measured


@pytest.mark.parametrize(("name", "reader"), [("x.param", "foreign.converted"), ("x.onnx", "foreign.converted"), ("x.tar.gz", "archives.extracted")])
def test_weights_that_training_takes_are_measured(name, reader, run, measured, tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(f"convert.evaluation.targets.{reader}", lambda *given: taken.append(given[-1]) or run.last)
    monkeypatch.setattr(evaluate, "network_of_checkpoint", lambda *given: (given, Labels(("cat",))))
    (tmp_path / name).write_bytes(b"7767517\n")
    assert evaluate.main([str(tmp_path / name), str(tmp_path / "data"), "--size", "416"]) == 0
    assert taken == [tmp_path / name]
    assert measured[0][0] == (run.last, None, "416", None)


@pytest.mark.parametrize(("name", "message"), [("x.pt", r"neither a \.tflite file nor weights .*\.onnx, \.param of nanodet_plus_m\)$"), ("x.bin", r"give .*x\.param")])
def test_another_file_is_one_line_that_says_what_is_taken(name, message, run, measured, tmp_path):
    (tmp_path / name).write_bytes(b"something else")
    (tmp_path / "x.param").touch()
    with pytest.raises(InputError, match=message):
        evaluate.main([str(tmp_path / name), str(tmp_path / "data")])


def test_a_checkpoint_is_converted_with_the_size_of_its_run(run):
    assert network_of_checkpoint(run.best, run) == ((640, 640), Labels(("cat",)))


def test_parts_of_the_runs_data(run, measured, capsys):
    evaluate.main([str(run.best), "--part", "train"])
    assert measured == [((640, 640), Labels(("cat",)), 8)]
    assert f"on training images of {run.path}\n" in capsys.readouterr().out
    with pytest.raises(InputError, match="no test part"):
        evaluate.main([str(run.best), "--part", "test"])


def test_parts_are_those_of_a_data_set(run):
    with pytest.raises(InputError, match="--part is for a data set"):
        evaluate.main([str(run.best), "--images", "x", "--annotations", "y", "--part", "test"])


@pytest.mark.parametrize("options", [{"labels": "names.txt"}, {"format": "coco"}])
def test_options_that_would_say_nothing_are_refused(run, measured, options):
    with pytest.raises(InputError, match="leave it out"):
        evaluate(run.path, **options)
    assert measured == []


def test_it_is_a_function_for_notebooks_too(run, measured, capsys):
    """Whether its module has been imported or not."""
    found = evaluate(run.best, progress=False)
    assert (found.target, found.ap) == (str(run.best), 0.5)
    assert found.about == f"validation images of {run.path}" and capsys.readouterr() == ("", "")
    with pytest.raises(InputError, match="give one of train, val, test"):
        evaluate(run.best, part="validation")


@pytest.mark.parametrize(
    ("trained", "given", "used"),
    [
        ("", [], None),
        ("2x2", [], Tiles(2, 2)),
        ("2x2", ["--tiles", "none"], None),
        ("2x2", ["--tiles", "2x1,whole=no"], Tiles(2, 1, whole=False)),
        ("", ["--tiles", "2x1"], Tiles(2, 1)),
    ],
)
@pytest.mark.parametrize("target", ["", "checkpoints/best"])
def test_tiles_are_those_of_the_run_unless_they_are_named(run, monkeypatch, capsys, trained, given, used, target):
    seen = []

    def measure(*arguments, **_):
        seen.append(next(item for item in arguments if isinstance(item, EvaluationSet)).tiles)
        return Metrics(dict.fromkeys(FIGURES, 0.5), {}, 2)

    for name in ("evaluate_run", "evaluate_checkpoint"):
        monkeypatch.setattr(evaluate, name, measure)
    config = run.config()
    config["task"]["tiles"] = trained
    run.write_config(config)
    assert evaluate.main([str(run.path / target), *given]) == 0
    assert seen == [used]
    assert (f", tiles {used}" if used else f"images of {run.path}\n") in capsys.readouterr().out


def test_a_file_is_measured_through_the_tiles_it_was_trained_on(tmp_path, monkeypatch):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(mark(tiny_detector.build(), Tiles(2, 1)))
    data = data_set(tmp_path / "data", 4)
    seen = []
    monkeypatch.setattr(evaluate, "evaluate_file", lambda path, data, **_: seen.append(data.tiles))
    for given in (None, "none"):
        evaluate.evaluate(path, data, tiles=given)
    assert seen == [Tiles(2, 1), None]


def test_help_shows_the_functions_arguments():
    assert list(inspect.signature(evaluate).parameters)[:3] == ["target", "data", "part"]
    assert "Measures COCO AP" in type(evaluate).__call__.__doc__
