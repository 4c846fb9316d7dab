"""The command `train.export`."""

from __future__ import annotations

import shutil

import pytest

from runtime.common.errors import InputError
from tests.support import format_samples as make
from tests.support.format_samples import described, samples
from train import export, open_dataset


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_export_leaves_nothing_half_written(tmp_path):
    folder = make.write("pascal_voc", tmp_path / "data", samples(4, 1))
    dataset = open_dataset(folder)
    (folder / "valid/p3.jpg").unlink()
    with pytest.raises(InputError, match=r"p3.jpg"):
        export.export(dataset, tmp_path / "out", "coco")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
    with pytest.raises(InputError, match="no format 'excel'"):
        export.export(dataset, tmp_path / "out", "excel")
    with pytest.raises(InputError, match="there already"):
        export.export(dataset, folder, "coco")


def test_export_command(tmp_path, capsys):
    folder = make.write("tfrecord", tmp_path / "data", samples(5, 1))
    assert export.main([str(folder), str(tmp_path / "out"), "--to", "pascal_voc"]) == 0
    assert described(open_dataset(tmp_path / "out")) == described(open_dataset(folder))
    shutil.rmtree(tmp_path / "cache")
    assert len(open_dataset(tmp_path / "out").train) == 4
