from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest

from runtime import run
from runtime.common.opencv import cv2
from tests.support.examples import DETECTOR, run_example

PLATE = "KIT 4711"


@pytest.fixture
def crops(tmp_path):
    """The crops of an image with a green plate, on which the detector's own size makes the letters invisible."""
    image = np.random.default_rng(0).integers(0, 60, (576, 1152, 3), dtype=np.uint8)
    image[192:288, 384:480] = (40, 250, 40)
    cv2.putText(image, PLATE, (386, 250), cv2.FONT_HERSHEY_SIMPLEX, 0.62, (0, 0, 0), 2, cv2.LINE_AA)
    cv2.imwrite(str(tmp_path / "door.png"), image)
    for _ in run(file=DETECTOR, source=str(tmp_path / "door.png"), crops=str(tmp_path / "crops"), score=0.5):
        pass
    return tmp_path / "crops"


@pytest.mark.skipif(not shutil.which("tesseract"), reason="needs Tesseract (apt install tesseract-ocr)")
def test_the_text_of_each_crop(crops, capsys):
    run_example("ocr_of_crops", crops)
    assert capsys.readouterr().out == f"green\tdoor_0\t{PLATE}\n"
    assert not list(crops.rglob("*.jpg")), "crops that were read are removed, to make room"


def test_another_reader(crops, capsys):
    reader = f"{sys.executable} -c 'import sys; print(len(open(sys.argv[1], \"rb\").read()) > 0)' {{}}"
    run_example("ocr_of_crops", crops, "--command", reader, "--keep")
    assert capsys.readouterr().out == "green\tdoor_0\tTrue\n"
    assert [path.name for path in crops.rglob("*.jpg")] == ["door_0.jpg"]


@pytest.mark.parametrize(
    ("command", "says"),
    [("no-such-reader {}", "there is no program no-such-reader"), (f"{sys.executable} -c exit(3) {{}}", "failed")],
)
def test_a_reader_that_fails_is_named_and_loses_no_crop(crops, command, says):
    with pytest.raises(SystemExit, match=says):
        run_example("ocr_of_crops", crops, "--command", command)
    assert list(crops.rglob("*.jpg"))
