"""Run folder: round trip of its files, and errors for missing ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime.common.errors import InputError
from runtime.common.values import Box, Labels
from train.dataset.dataset import Dataset
from train.dataset.examples.example import Example, LabelledBox
from train.run.run_folder import RunFolder, fingerprint, newest, open_run, run_of

CAT = LabelledBox("cat", Box(1, 2, 30, 40), difficult=True)
DOG = LabelledBox("dog's", Box(0.5, 0, 10, 12.25), truncated=True)


def dataset(folder: Path) -> Dataset:
    train = Example("a", folder / "a.jpg", 64, 48, (CAT, DOG), orientation=6)
    validation = Example("b", folder / "b.png", 32, 32, ())
    test = Example("c", folder / "c.jpg", 16, 8, (CAT,))
    return Dataset((train,), (validation,), Labels(("cat", "dog's")), ("a.xml: box 3 has no area",), "pets", test=(test,))


@pytest.fixture
def run(tmp_path) -> RunFolder:
    run = RunFolder(tmp_path / "runs" / "one")
    run.write_dataset(dataset(tmp_path))
    run.write_config({"task": {"size": 320}, "data": {"name": "pets"}})
    return run


def test_a_data_set_comes_back_as_it_was(run, tmp_path):
    assert run.dataset() == dataset(tmp_path)
    assert run.labels() == Labels(("cat", "dog's"))
    assert (run.path / "labels.txt").read_text() == "cat\ndog's\n"
    assert "id: 2\n  name: 'dog\\'s'" in (run.path / "label_map.pbtxt").read_text()


def test_the_run_of_what_lies_in_it(run, tmp_path, monkeypatch):
    for inside in ("", "checkpoints/best", "checkpoints/best/ckpt-3", "export/detector_int8.tflite"):
        assert run_of(run.path / inside) == run
    assert run_of(run.path.parent) is None and run_of(tmp_path / "detector.tflite") is None
    monkeypatch.chdir(run.path.parent)
    assert run_of("one/checkpoints/best") == RunFolder(Path("one"))
    (run.path / "export").mkdir()
    monkeypatch.chdir(run.path / "export")
    assert run_of("detector_int8.tflite") == run


def test_settings_and_figures_come_back(run):
    run.write_metrics({"AP": 0.5, "APs": None})
    assert run.config() == {"task": {"size": 320}, "data": {"name": "pets"}}
    assert run.metrics() == {"AP": 0.5, "APs": None}
    assert open_run(run.path) == run


def test_the_best_checkpoint_comes_before_the_last(run):
    assert not run.has_checkpoint
    with pytest.raises(InputError, match="no checkpoint in this run"):
        run.checkpoint
    for folder in (run.last, run.best):
        folder.mkdir(parents=True)
        (folder / "ckpt-1.index").touch()
        assert run.has_checkpoint and run.checkpoint == folder


def test_the_newest_run_is_the_one_that_ended_last(run):
    with pytest.raises(InputError, match="no finished run here"):
        newest(run.path.parent)
    other = RunFolder(run.path.parent / "two")
    for time, folder in enumerate((other, run)):
        folder.write_metrics({})
        os.utime(folder.path / "metrics.json", (time, time))
    assert newest(run.path.parent) == run


@pytest.mark.parametrize(
    ("name", "content", "read"),
    [
        ("config.yaml", "a: [1", RunFolder.config),
        ("metrics.json", "{", RunFolder.metrics),
        ("dataset.json", "{}", RunFolder.dataset),
        ("dataset.json", '{"train": [{"id": 3}]}', RunFolder.dataset),
        ("dataset.json", "[1]", RunFolder.dataset),
        ("config.yaml", None, RunFolder.config),
        ("dataset.json", None, RunFolder.dataset),
        ("labels.txt", None, RunFolder.labels),
    ],
)
def test_a_broken_or_missing_file_is_a_one_line_error(name, content, read, run):
    path = run.path / name
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=name) as caught:
        read(run)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a run"):
        open_run(tmp_path)


def test_the_fingerprint_depends_on_labels_boxes_and_splits_only(tmp_path):
    one = dataset(tmp_path)
    assert fingerprint(one) == fingerprint(dataset(tmp_path / "elsewhere"))
    others = [
        Dataset(one.validation, one.train, one.labels, (), "pets"),
        Dataset(one.train, one.validation, Labels(("cat", "dog")), (), "pets"),
        Dataset(one.validation, one.validation, one.labels, (), "pets"),
    ]
    assert len({fingerprint(data) for data in (one, *others)}) == 4
