from __future__ import annotations

import pytest

from tests.support.examples import run_example
from tests.support.paths import GOLDEN

pytest.importorskip("pycocotools", reason="needs the extra `convert`")

DETECTOR = GOLDEN / "detector_int8.tflite"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    from train.sample_data.generation import draw_dataset

    folder = tmp_path_factory.mktemp("shapes") / "data"
    draw_dataset(folder, images=20, seed=5)
    return folder


def test_figures_of_the_validation_images(data, capsys):
    run_example("evaluate_in_script", DETECTOR, data)
    first, *classes = capsys.readouterr().out.splitlines()
    assert first.startswith(f"4 validation images of {data}: AP 0.")
    assert [line.split()[0] for line in classes] == ["ring", "square", "star", "triangle"]


def test_a_figure_that_is_too_low_fails(data):
    with pytest.raises(SystemExit, match=r"error: AP 0\.\d+ is below 0\.99"):
        run_example("evaluate_in_script", DETECTOR, data, "--part", "train", "--least", 0.99)


def test_a_data_set_that_is_missing_is_named(tmp_path):
    with pytest.raises(SystemExit, match=f"error: {tmp_path}/none"):
        run_example("evaluate_in_script", DETECTOR, tmp_path / "none")
