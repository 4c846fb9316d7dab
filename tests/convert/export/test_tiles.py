"""A run that was trained on tiles is calibrated and measured on tiles, and its files say so."""

from __future__ import annotations

from convert.export.export import source_of_run
from convert.notebook.conversion import source_of
from runtime.boxes.tiles import Tiles
from tests.support.small_runs import small_run
from tests.support.voc_samples import data_set


def test_a_checkpoint_in_a_run_has_the_tiles_of_the_run(tmp_path):
    data = data_set(tmp_path / "data", 10)
    run = small_run(tmp_path / "run", data)
    run.best.mkdir(parents=True)
    (run.best / "ckpt-7.index").touch()
    config = run.config()
    config["task"]["tiles"] = "2x1"
    run.write_config(config)

    def found(**given):
        options = dict.fromkeys(("size", "labels", "data", "val", "calibration_images")) | given
        return source_of(None, None, run.best, say=lambda line: None, **options)

    on_data, on_images = found(data=data), found(calibration_images=data / "images")
    assert (on_data.tiles, on_data.validation.tiles, len(on_data.calibration)) == (Tiles(2, 1), Tiles(2, 1), 24)
    assert (on_images.tiles, on_images.validation, len(on_images.calibration)) == (Tiles(2, 1), None, 30)


def test_calibration_and_the_gate_see_the_tiles_of_the_run(tmp_path):
    run = small_run(tmp_path / "run", data_set(tmp_path / "data", 10))
    run.best.mkdir(parents=True)
    (run.best / "ckpt-7.index").touch()
    plain = source_of_run(run)
    config = run.config()
    config["task"]["tiles"] = "2x1"
    run.write_config(config)
    tiled = source_of_run(run)
    assert (plain.tiles, plain.validation.tiles, len(plain.calibration)) == (None, None, 8)
    assert (tiled.tiles, tiled.validation.tiles, len(tiled.calibration)) == (Tiles(2, 1), Tiles(2, 1), 24)
    assert {image.path for image in tiled.calibration} == {image.path for image in plain.calibration}
