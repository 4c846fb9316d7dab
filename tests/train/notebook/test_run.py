"""A run as a value: its figures, its files, and its HTML."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtime.common.errors import InputError
from runtime.common.values import Labels
from tests.support.small_runs import small_run
from tests.support.voc_samples import data_set
from train import Run, open_run
from train.evaluation.coco import FIGURES, Metrics
from train.run.history import History

HOSTILE = "<b onclick=alert(1)>"
METRICS = {**dict.fromkeys(FIGURES, 0.25), "images": 2, "per_class": {"cat": 0.25}, "per_class_50": {"cat": 0.5}}


@pytest.fixture
def folder(tmp_path) -> Path:
    return small_run(tmp_path / "run", data_set(tmp_path / "data", 4)).path


def wrote(folder: Path, *lines: dict) -> None:
    (folder / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_run_that_has_ended_has_its_final_metrics(folder):
    (folder / "metrics.json").write_text(json.dumps({**METRICS, "AP": 0.75}))
    run = open_run(folder)
    assert (run.ap, run.labels.names, run.history.training) == (0.75, ("cat",), ())
    assert Path(run) == folder and repr(run) == f"<Run {folder}: AP 0.750, AP50 0.250>"
    assert len(run.dataset().train) == 3


def test_a_run_that_goes_on_has_those_of_its_best_validation(folder):
    losses = {"step": 1, "loss": 1.0, "class_loss": 0.5, "box_loss": 0.5, "rate": 0.1}
    wrote(folder, losses, {"step": 2, **METRICS, "AP": 0.5}, {"step": 4, **METRICS, "AP": 0.4})
    run = open_run(folder)
    assert run.ap == 0.5
    html = run._repr_html_()
    assert all(f"<figcaption>{title}<" in html for title in ("Loss", "Average precision", "Learning rate"))
    assert "AP: 0.400 at 4" in html


def test_what_cannot_be_shown_is_said(folder, tmp_path):
    with pytest.raises(InputError, match="nothing has been validated"):
        open_run(folder)
    with pytest.raises(InputError, match="not a run"):
        open_run(tmp_path)


def test_class_names_are_escaped_and_many_are_cut():
    names = (HOSTILE, *(f"class {i}" for i in range(30)))
    metrics = Metrics(dict.fromkeys(FIGURES), dict.fromkeys(names, 0.5) | {"class 1": None}, 3)
    html = Run(Path("runs/x"), Labels(names), metrics, History((), ()))._repr_html_()
    assert "<b onclick" not in html and "&lt;b onclick" in html
    assert "11 classes of lower AP are not shown" in html
