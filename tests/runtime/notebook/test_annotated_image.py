"""An image with its detections, as a notebook shows it."""

from __future__ import annotations

import base64
import re

import cv2
import numpy as np
import pytest

from runtime import AnnotatedImage, Box, Detection, InputError, KitError
from runtime.media import images

HOSTILE = '<script>alert("1")</script>'


def image(height: int = 60, width: int = 80) -> np.ndarray:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, :, 2] = 200
    return pixels


def found(*labels: str) -> tuple[Detection, ...]:
    return tuple(Detection(label, i, 0.9 - i / 10, Box(5, 10, 45, 50)) for i, label in enumerate(labels))


def embedded(html: str) -> np.ndarray:
    data = re.search(r"data:image/jpeg;base64,([^\"]+)", html)[1]
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)


def test_class_names_are_escaped_wherever_they_are_written():
    html = AnnotatedImage(image(), found(HOSTILE))._repr_html_()
    assert "<script" not in html and 'alert("' not in html
    assert html.count("&lt;script&gt;") == 3


def test_html_fetches_nothing():
    html = AnnotatedImage(image(), found("cat", "dog"))._repr_html_()
    assert re.findall(r"(?:src|href)=\"(?!data:)", html) == [] and "url(" not in html


def test_boxes_are_drawn_in_pixels_of_the_image_the_best_last():
    html = AnnotatedImage(image(), found("cat", "dog"))._repr_html_()
    assert 'viewBox="0 0 80 60"' in html
    assert html.count('<rect x="5.0" y="10.0" width="40.0" height="40.0"') == 2
    assert html.index("dog 0.80") < html.index("cat 0.90")


@pytest.mark.parametrize("color", ["BGR", "RGB"])
def test_the_embedded_image_has_the_colors_of_the_image(color):
    pixels = image() if color == "BGR" else np.ascontiguousarray(image()[:, :, ::-1])
    assert embedded(AnnotatedImage(pixels, (), color)._repr_html_()).mean(axis=(0, 1)) == pytest.approx([0, 0, 200], abs=6)


def test_a_large_image_is_embedded_smaller_and_boxes_stay_where_they_are():
    html = AnnotatedImage(image(1000, 3000), found("cat"))._repr_html_()
    assert embedded(html).shape == (320, 960, 3)
    assert 'viewBox="0 0 3000 1000"' in html and '<rect x="5.0"' in html


def test_it_is_its_detections():
    cats = found("cat", "cat")
    annotated = AnnotatedImage(image(), cats)
    assert tuple(annotated) == cats and len(annotated) == 2
    assert annotated.rows()[0] == ("cat", 0.9, 5, 10, 45, 50)
    assert repr(annotated) == "<AnnotatedImage 80 x 60: 2 detections>"
    assert "no detections" in AnnotatedImage(image())._repr_html_()


def test_many_detections_are_cut_and_counted():
    assert "and 10 more" in AnnotatedImage(image(), found(*["cat"] * 60))._repr_html_()


def test_it_is_saved_as_it_is_drawn(tmp_path):
    annotated = AnnotatedImage(image(), found("cat"))
    annotated.save(tmp_path / "out.png")
    assert np.array_equal(images.read(tmp_path / "out.png"), annotated.draw())
    assert not np.array_equal(annotated.draw(), annotated.image)
    with pytest.raises(KitError, match="cannot be written as"):
        annotated.save(tmp_path / "out.xyz")


@pytest.mark.parametrize("wrong", [None, "a.jpg", np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_what_is_no_image_is_refused(wrong):
    with pytest.raises(InputError, match="uint8"):
        AnnotatedImage(wrong)
