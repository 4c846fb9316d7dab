from __future__ import annotations

import argparse

import numpy as np
import pytest

from runtime import InputError
from runtime.boxes.tiles import Tiles, spans, tiles


@pytest.mark.parametrize(
    "text", ["2x1", "1x2", "2x2,overlap=0.3", "3x2,whole=no", "2x2,overlap=0.1,whole=no"]
)
def test_tiles_read_what_they_write(text):
    made = Tiles.of(text)
    assert str(made) == text and Tiles.of(str(made)) == made and Tiles.of(made) is made


def test_settings_may_be_spaced_and_have_defaults():
    assert Tiles.of(" 2 X 1 , overlap = 0.2 , whole = yes ") == Tiles(2, 1)
    assert (Tiles(2, 1).count, Tiles(3, 2, whole=False).count) == (3, 6)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2", "COLUMNSxROWS"),
        ("1x1", "one tile is the image itself"),
        ("0x2", "1 to 16"),
        ("17x1", "1 to 16"),
        ("2x2,overlap=0.6", "between 0.05 and 0.5"),
        ("2x2,overlap=0", "between 0.05 and 0.5"),
        ("2x2,overlap=nan", "between 0.05 and 0.5"),
        ("2x2,overlap=much", "'overlap=much' is no setting"),
        ("2x2,whole=maybe", "'whole=maybe' is no setting"),
        ("2x2,seam=1", "overlap=SHARE and whole=yes or no"),
    ],
)
def test_what_are_no_tiles(text, says):
    with pytest.raises(InputError, match=says):
        Tiles.of(text)
    with pytest.raises(argparse.ArgumentTypeError, match=says):
        tiles(text)


@pytest.mark.parametrize("count", range(1, 5))
@pytest.mark.parametrize("overlap", [0.05, 0.2, 1 / 3, 0.5])
def test_spans_cover_the_axis_with_one_size_and_the_overlap(count, overlap):
    for length in (1, 2, 7, 319, 320, 1079, 3840):
        made = spans(length, count, overlap)
        assert made[0][0] == 0 and made[-1][1] == length
        sides = {end - start for start, end in made}
        assert len(sides) == 1 and min(sides) >= 1
        for (_, end), (start, _) in zip(made, made[1:]):
            assert end - start >= overlap * min(sides) - 2, "a pixel of rounding for either end"
            assert start <= end


def test_windows_are_row_by_row_and_the_whole_image_last():
    windows = Tiles(2, 2).windows(180, 90)
    assert windows == ((0, 0, 100, 50), (80, 0, 180, 50), (0, 40, 100, 90), (80, 40, 180, 90), (0, 0, 180, 90))
    assert Tiles(2, 1, whole=False).windows(180, 90) == ((0, 0, 100, 90), (80, 0, 180, 90))


def test_a_window_is_a_view_of_its_pixels():
    image = np.arange(90 * 180 * 3, dtype=np.uint32).reshape(90, 180, 3)
    for window in Tiles(2, 2).windows(180, 90):
        part = window.of(image)
        assert part.shape == (window.height, window.width, 3) and np.shares_memory(part, image)
        assert (part[0, 0] == image[window.top, window.left]).all()
        assert (part[-1, -1] == image[window.bottom - 1, window.right - 1]).all()
