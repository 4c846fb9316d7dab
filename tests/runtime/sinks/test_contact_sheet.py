from __future__ import annotations

import numpy as np
import pytest

from runtime import Box, Detection, Frame, InputError, KitError
from runtime.media import images
from runtime.sinks import contact_sheet, open_sink
from runtime.sources import Source

FOUND = (Detection("cup", 0, 0.9, Box(10, 10, 60, 50)),)


class Clip(Source):
    name = "clip.mp4"

    def __iter__(self):
        return iter(())


def frame(index: int, height: int = 60, width: int = 80) -> Frame:
    """A gray frame whose brightness is its number."""
    return Frame(np.full((height, width, 3), index, np.uint8), index)


def brightness(path, count: int) -> list[int]:
    """The brightness of the lower right corner of each of the first `count` cells."""
    sheet = images.read(path)
    width, height = contact_sheet.CELL
    found = []
    for index in range(count):
        row, column = divmod(index, contact_sheet.COLUMNS)
        found.append(int(sheet[(row + 1) * (height + 4) - 8, (column + 1) * (width + 4) - 8, 0]))
    return found


def test_frames_stand_row_by_row_with_their_boxes(tmp_path):
    path = tmp_path / "new" / "sheet.png"
    with open_sink(f"sheet:{path}", Clip()) as sink:
        sink.write(frame(0), FOUND)
        for index in range(1, 6):
            sink.write(frame(index * 20), ())
        assert not path.exists()
    sheet = images.read(path)
    assert sheet.shape == (2 * 244 + 4, 4 * 324 + 4, 3)
    assert brightness(path, 6) == [0, 20, 40, 60, 80, 100]
    assert sheet[:244, :324].max() > 150
    assert [file.name for file in path.parent.iterdir()] == ["sheet.png"]


@pytest.mark.parametrize(("frames", "stride"), [(24, 1), (25, 2), (48, 2), (49, 4), (200, 16)])
def test_many_frames_are_thinned_out_evenly(tmp_path, frames, stride):
    path = tmp_path / "sheet.png"
    with open_sink(f"sheet:{path}", Clip()) as sink:
        for index in range(frames):
            sink.write(frame(index), ())
    expected = list(range(0, frames, stride))
    assert len(expected) <= contact_sheet.MOST_CELLS
    assert brightness(path, len(expected)) == expected


def test_an_error_and_an_empty_source_leave_nothing(tmp_path):
    def fail():
        with open_sink(f"sheet:{tmp_path / 'a.png'}", Clip()) as sink:
            sink.write(frame(0), ())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with open_sink(f"sheet:{tmp_path / 'b.png'}", Clip()):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_is_no_image_is_refused(tmp_path):
    (tmp_path / "folder.png").mkdir()
    for target, message in (("sheet:a.mp4", "is an image; give"), ("sheet:", "is an image; give")):
        with pytest.raises(InputError, match=message):
            open_sink(target, Clip())
    with pytest.raises(InputError, match="is a folder"):
        open_sink(f"sheet:{tmp_path / 'folder.png'}", Clip())


def test_a_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KitError), open_sink(f"sheet:{tmp_path / 'file' / 'a.png'}", Clip()) as sink:
        sink.write(frame(0), ())
