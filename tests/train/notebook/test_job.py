"""What is to be trained, as the command and `train` agree on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.common.errors import InputError
from tests.support.voc_samples import data_set
from train.dataset.dataset import open_dataset
from train.notebook import job
from train.run.options import Options


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return data_set(tmp_path / "pets", 4)


def test_without_a_folder_each_run_gets_the_next_that_is_free(data):
    assert job.new(data, None, Options()).out.path == Path("runs/pets")
    for name in ("pets", "pets-2"):
        Path("runs", name).mkdir(parents=True)
    assert job.new(data, None, Options()).out.path == Path("runs/pets-3")
    assert job.new(data, "mine", Options()).out.path == Path("mine")


def test_a_data_set_that_is_open_is_taken_as_it_is(data):
    dataset = open_dataset(data)
    assert job.new(dataset, None, Options()).dataset is dataset


def test_options_are_checked_before_the_data_is_read():
    with pytest.raises(InputError, match="--steps must be at least 1"):
        job.new("nowhere", None, Options(steps=0))
