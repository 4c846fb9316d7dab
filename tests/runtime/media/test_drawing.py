from __future__ import annotations

import numpy as np
import pytest

from runtime import Box, Detection, Frame
from runtime.areas.areas import line, zone
from runtime.media import drawing
from runtime.zones.watch import Watch


def gray(height, width):
    return np.full((height, width, 3), 128, np.uint8)


def test_the_box_is_drawn_on_a_copy():
    image = gray(300, 400)
    out = drawing.draw(image, [Detection("cat", 3, 0.5, Box(100, 120, 300, 250))])
    assert (image == 128).all()
    assert out[200, 100].tolist() == list(drawing.color_of(3))
    assert out[250, 200].tolist() == list(drawing.color_of(3))
    assert (out[140:240, 110:290] == 128).all()
    assert (out[260:] == 128).all() and (out[:, 310:] == 128).all()


def test_rgb_images_come_out_bgr():
    image = np.zeros((4, 4, 3), np.uint8)
    image[..., 0] = 255
    assert drawing.draw(image, (), "RGB")[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 3000), (3000, 5)])
@pytest.mark.parametrize("label", ["cat", "Waschbär 浣熊", "x" * 300])
def test_any_size_and_any_label(height, width, label):
    box = Box(0, 0, width, height)
    assert drawing.draw(gray(height, width), [Detection(label, 10**6, 1.0, box)]).shape == (height, width, 3)


def test_classes_differ_in_color():
    assert len({drawing.color_of(i) for i in range(90)}) == 90


def test_fit_keeps_the_aspect():
    out = drawing.fit(np.full((10, 20, 3), 255, np.uint8), 40, 40)
    assert out.shape == (40, 40, 3)
    assert (out[10:30] == 255).all() and (out[:10] == 40).all() and (out[30:] == 40).all()


def test_a_contact_sheet():
    images = [np.full((size, 30, 3), 50 * i, np.uint8) for i, size in enumerate((10, 20, 30, 40, 50))]
    sheet = drawing.contact_sheet(images, 2, cell=(30, 20), gap=2)
    assert sheet.shape == (3 * 22 + 2, 2 * 32 + 2, 3)
    assert sheet[2 + 10, 2 + 32 + 15].tolist() == [50] * 3
    assert sheet[2 + 44 + 10, 2 + 15].tolist() == [200] * 3
    assert drawing.contact_sheet(images[:1], 4).shape == (248, 328, 3)
    with pytest.raises(ValueError, match="at least one image"):
        drawing.contact_sheet([], 3)


def test_zones_and_lines_are_drawn_with_their_counts_and_the_arrow_to_the_inside():
    image = np.zeros((200, 400, 3), np.uint8)
    watch = Watch([line("door=0.5,1,0.5,0"), zone("desk=20,80,120,80,120,180,20,180")], is_tracked=True)
    frame, _ = watch(Frame(image), ())
    drawn = drawing.annotated(frame, ())
    assert (drawn[150, 200] > 200).all() and (drawn[130, 20] > 200).all() and (drawn[130, 120] > 200).all()
    # The right hand of who looks upwards is the right.
    assert drawn[90:110, 203:214].any() and not drawn[90:110, 187:197].any()
    assert drawn[60:79, 20:100].any() and not image.any()
    assert not drawing.annotated(Frame(image), ()).any()
    blue = drawing.annotated(Frame(np.full((4, 4, 3), (255, 0, 0), np.uint8), color="RGB"), ())
    assert (blue == (0, 0, 255)).all()


def inked(image, color):
    """How many pixels of `image` have exactly this color."""
    return int((image == color).all(axis=2).sum())


def test_texts_of_boxes_that_overlap_stay_legible():
    one, two = Detection("bear", 3, 0.9, Box(50, 60, 200, 180)), Detection("beer", 7, 0.8, Box(52, 62, 205, 182))
    alone = drawing.draw(gray(300, 400), [two])
    both = drawing.draw(gray(300, 400), [one, two])
    # All of the lower score's text is there, on its color, though the other's stands where it would stand alone.
    assert inked(both, drawing.color_of(7)) > 0.75 * inked(alone, drawing.color_of(7))
    assert inked(both, drawing.color_of(3)) > 0.9 * inked(drawing.draw(gray(300, 400), [one]), drawing.color_of(3))


def test_letters_that_the_font_has(monkeypatch):
    def drawn(label):
        return drawing.draw(gray(100, 300), [Detection(label, 0, 0.5, Box(20, 40, 150, 90))])

    monkeypatch.setattr(drawing, "_HAS_ALL_LETTERS", False)
    assert np.array_equal(drawn("Bär"), drawn("Bar")) and not np.array_equal(drawn("Bär"), drawn("B?r"))
    monkeypatch.undo()
    if drawing._HAS_ALL_LETTERS:
        assert not np.array_equal(drawn("Bär"), drawn("B?r")) and not np.array_equal(drawn("Bär"), drawn("Bar"))
