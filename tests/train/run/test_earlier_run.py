"""The record of the run that another went on from."""

from __future__ import annotations

import shutil

import pytest

from runtime.common.errors import InputError
from tests.support.small_runs import make_old, small_run
from tests.support.voc_samples import data_set
from train.run import earlier_run
from train.run.run_folder import RunFolder


def test_the_record_outlives_the_earlier_run_and_its_images(tmp_path):
    old = small_run(tmp_path / "old", data_set(tmp_path / "first", 10))
    new = RunFolder(tmp_path / "new")
    new.path.mkdir()
    expected = old.dataset().validation
    assert earlier_run.recorded(new) is None
    earlier_run.record(new, str(old.path))
    shutil.rmtree(old.path)
    shutil.rmtree(tmp_path / "first")
    found = earlier_run.recorded(new)
    assert found.validation == expected and found.labels.names == ("cat",)
    assert (found.path, found.data) == (tmp_path / "old", "first")
    (new.path / "earlier.json").write_text("{}")
    with pytest.raises(InputError, match=r"earlier\.json: not in the format"):
        earlier_run.recorded(new)


def test_images_that_are_gone_and_have_no_hash_are_told(tmp_path):
    old = make_old(small_run(tmp_path / "old", data_set(tmp_path / "first", 10)))
    shutil.rmtree(tmp_path / "first")
    assert [line.split(" images")[0] for line in earlier_run.known(str(old.path)).notes] == ["8 training", "2 validation"]
