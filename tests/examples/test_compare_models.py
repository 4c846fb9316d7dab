from __future__ import annotations

import pytest

from tests.support.examples import DETECTOR, image_folder, run_example
from tests.support.paths import GOLDEN


@pytest.fixture
def images(tmp_path):
    return image_folder(
        tmp_path / "images",
        {"a.png": {"red": (96, 48)}, "b.png": {}, "c.jpg": {"green": (96, 48), "blue": (192, 96)}},
    )


def test_a_file_agrees_with_itself(images, capsys):
    run_example("compare_models", DETECTOR, DETECTOR, images)
    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [[label, "1", "0", "0"] for label in ("blue", "green", "red")]


def test_images_on_which_two_disagree_are_named(images, capsys):
    # This one knows rings, squares, stars and triangles only.
    run_example("compare_models", DETECTOR, GOLDEN / "detector_int8.tflite", images)
    lines = capsys.readouterr().out.splitlines()
    for label in ("blue", "green", "red"):
        assert [label, "0", "1", "0"] in [line.split() for line in lines]
    named = [line.partition(": ")[0] for line in lines if "differences" in line]
    assert named[0] == str(images / "c.jpg") and str(images / "a.png") in named


def test_a_folder_without_images_is_named(tmp_path):
    with pytest.raises(SystemExit, match="no images in it"):
        run_example("compare_models", DETECTOR, DETECTOR, tmp_path)
