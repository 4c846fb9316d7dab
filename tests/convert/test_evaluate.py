"""The command that measures: what it measures, and on which images."""

from __future__ import annotations

import pytest

from convert import evaluate
from convert.evaluation.checkpoints import network_of_checkpoint
from runtime.common.errors import InputError
from runtime.common.values import Labels
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
    assert measured == [(640, Labels(("cat",)), 2)]
    assert f"on validation images of {run.path}\n" in capsys.readouterr().out


def test_size_and_labels_can_be_named(run, measured, tmp_path):
    (tmp_path / "names.txt").write_text("dog\n")
    evaluate.main([str(run.best), "--size", "320", "--labels", str(tmp_path / "names.txt")])
    assert measured == [(320, Labels(("dog",)), 2)]


def test_a_checkpoint_is_converted_with_the_size_of_its_run(run):
    assert network_of_checkpoint(run.best, run) == (640, Labels(("cat",)))


def test_parts_of_the_runs_data(run, measured, capsys):
    evaluate.main([str(run.best), "--part", "train"])
    assert measured == [(640, Labels(("cat",)), 8)]
    assert f"on training images of {run.path}\n" in capsys.readouterr().out
    with pytest.raises(InputError, match="no test part"):
        evaluate.main([str(run.best), "--part", "test"])


def test_parts_are_those_of_a_data_set(run):
    with pytest.raises(InputError, match="--part is for a data set"):
        evaluate.main([str(run.best), "--images", "x", "--annotations", "y", "--part", "test"])
