from __future__ import annotations

import numpy as np
import pytest

from runtime import KitError
from runtime.common.opencv import cv2
from runtime.media import fragmented_mp4
from runtime.media.fragmented_mp4 import FragmentedFile


@pytest.fixture
def short(tmp_path):
    """Writes a file with OpenCV whose frames have the given brightness."""

    def write(*values, size=(64, 48)):
        path = tmp_path / "short.mp4"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, size)
        for value in values:
            writer.write(np.full((size[1], size[0], 3), value, np.uint8))
        writer.release()
        return path

    return write


def played(path):
    capture, found = cv2.VideoCapture(str(path)), []
    while True:
        done, image = capture.read()
        if not done:
            return found
        found.append((round(capture.get(cv2.CAP_PROP_POS_MSEC)), float(image.mean())))


def test_reading_a_short_file(short):
    encoded = fragmented_mp4.read(short(*range(0, 250, 10)))
    assert len(encoded.samples) == 25 and encoded.size == (64, 48)
    assert encoded.entry[4:8] == b"stsd" and b"mp4v" in encoded.entry
    assert min(map(len, encoded.samples)) > 0


def test_a_file_cut_anywhere_can_be_played(short, tmp_path):
    path = tmp_path / "long.mp4"
    file = FragmentedFile(path)
    ends = []
    for values in ((0, 50), (100, 150, 200), (250,)):
        file.add(fragmented_mp4.read(short(*values)), [0.1] * len(values))
        ends.append(path.stat().st_size)
    file.close()
    expected = [(0, 0), (100, 50), (200, 100), (300, 150), (400, 200), (500, 250)]
    assert [(at, pytest.approx(value, abs=5)) for at, value in expected] == played(path)
    data = path.read_bytes()
    cut = tmp_path / "cut.mp4"
    # Also when cut in the middle of a fragment, as by a full disk or a power cut.
    for end, frames in ((ends[0], 2), (ends[1], 5), (ends[1] - 20, 4), (ends[2] - 1, 5)):
        cut.write_bytes(data[:end])
        assert len(played(cut)) >= frames


def test_a_rate_that_changes(short, tmp_path):
    path = tmp_path / "long.mp4"
    file = FragmentedFile(path)
    file.add(fragmented_mp4.read(short(0, 0, 0)), [0.04, 1.0, 0.04])
    file.close()
    assert [at for at, _ in played(path)] == [0, 40, 1040]


def test_a_frame_of_any_length(short, tmp_path):
    path = tmp_path / "long.mp4"
    file = FragmentedFile(path)
    file.add(fragmented_mp4.read(short(0, 50)), [1e12, 0.1])
    file.close()
    assert [at for at, _ in played(path)] == [0, pytest.approx(fragmented_mp4.MOST_UNITS / 90, rel=1e-6)]


@pytest.mark.parametrize("data", [b"", b"no video" * 20, b"\0\0\0\x08ftyp", b"\0\0\0\x10moov\0\0\0\x08trak"])
def test_files_of_another_structure(tmp_path, data):
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with pytest.raises(KitError, match=r"a\.mp4: the encoder wrote an MP4 of another structure"):
        fragmented_mp4.read(path)
