"""Options of a run that goes on from an earlier one."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.boxes.tiles import Tiles
from runtime.common.errors import InputError
from tests.support.small_runs import small_run
from tests.support.voc_samples import data_set
from train.run import continuation
from train.run.options import as_dict


@pytest.fixture
def run(tmp_path):
    """A run that has ended, with the files of a best checkpoint."""
    run = small_run(tmp_path / "old", data_set(tmp_path / "first", 10), size=192)
    run.write_config({"task": {"size": 192, "network": "nanodet_plus_m", "frozen_statistics": True}, "options": {}})
    run.write_metrics({})
    run.best.mkdir(parents=True)
    (run.best / "ckpt-0.index").touch()
    return run


def test_network_and_size_are_those_of_the_run(run):
    found = continuation.options(str(run.path), {"steps": 7})
    assert (found.model, found.size, found.steps) == ("nanodet_plus_m", 192, 7)
    assert found.from_run == found.init == str(run.path) and found.frozen_statistics
    assert continuation.options(str(run.path), {"size": 320, "model": "nanodet_plus_m"}).size == 320


@pytest.mark.parametrize(
    ("given", "used"), [({}, "2x1"), ({"tiles": "2x2,overlap=0.2"}, "2x2"), ({"tiles": "none"}, None)]
)
def test_tiles_are_those_of_the_run_unless_others_or_none_are_given(run, given, used):
    run.write_config({"task": {"size": 192, "network": "nanodet_plus_m", "tiles": "2x1"}})
    found = continuation.options(str(run.path), given)
    assert (found.grid, as_dict(found)["tiles"]) == (used and Tiles.of(used), used)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"init": "none"}, "--init: leave it out with --from"),
        ({"qat": "x"}, "--qat: leave it out with --from"),
        ({"model": "ssd_mobilenet_v2"}, "is a run of nanodet_plus_m"),
        ({"steps": 0}, "--steps must be"),
    ],
)
def test_options_that_contradict(run, given, message):
    with pytest.raises(InputError, match=message):
        continuation.options(str(run.path), given)


@pytest.mark.parametrize(
    ("file", "message"),
    [("config.yaml", "not a run"), ("metrics.json", "has not ended"), ("checkpoints/best/ckpt-0.index", "no checkpoint here")],
)
def test_runs_that_cannot_be_gone_on_from(run, file, message):
    Path(run.path / file).unlink()
    with pytest.raises(InputError, match=message):
        continuation.options(str(run.path), {})


def test_a_quantized_run(run):
    run.write_config({"task": {"size": 192, "float_run": "runs/float"}})
    run.quantization_file.write_text("{}")
    with pytest.raises(InputError, match="--from runs/float"):
        continuation.options(str(run.path), {})
