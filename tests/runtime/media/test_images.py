from __future__ import annotations

import struct

import numpy as np
import pytest

from runtime import InputError, KitError
from runtime.common.opencv import cv2
from runtime.media import images


def noise(height=40, width=60):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def encoded(suffix, image=None):
    return cv2.imencode(suffix, noise() if image is None else image)[1].tobytes()


def with_orientation(jpeg, orientation):
    """Inserts an EXIF segment with an orientation into a JPEG."""
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + b"\0" * 4
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".ppm"])
def test_lossless_formats_come_back_as_they_were(suffix):
    assert np.array_equal(images.decode(encoded(suffix)), noise())


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_other_formats_keep_the_size(suffix):
    assert images.decode(encoded(suffix)).shape == (40, 60, 3)


def test_gray_and_transparent_images_become_three_channels():
    assert images.decode(encoded(".png", noise()[..., 0])).shape == (40, 60, 3)
    assert images.decode(encoded(".png", np.dstack([noise(), noise()[..., :1]]))).shape == (40, 60, 3)


def test_exif_orientation_is_applied():
    image = np.zeros((16, 32, 3), np.uint8)
    image[:, :16] = 255
    turned = images.decode(with_orientation(encoded(".jpg", image), 6))
    assert turned.shape == (32, 16, 3)
    assert turned[:12].mean() > 250 and turned[20:].mean() < 5


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp"])
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.95])
def test_a_cut_image_is_refused_without_native_output(suffix, kept, capfd):
    data = encoded(suffix)
    with pytest.raises(InputError, match=r"x\.jpg: the image is cut short"):
        images.decode(data[: int(len(data) * kept)], "x.jpg")
    assert capfd.readouterr() == ("", "")


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_image():
    jpeg = encoded(".jpg")
    thumbnail = encoded(".jpg", noise(8, 8))
    whole = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + jpeg[2:]
    assert images.decode(whole).shape == (40, 60, 3)
    with pytest.raises(InputError, match="cut short"):
        images.decode(whole[:-200])


def test_bytes_after_the_end_are_ignored():
    for suffix in (".jpg", ".png", ".bmp"):
        assert images.decode(encoded(suffix) + b"\0" * 100).shape == (40, 60, 3)


@pytest.mark.parametrize(("data", "message"), [(b"", "is empty"), (b"hello", "not an image"), (b"\0" * 5000, "not an image")])
def test_what_is_no_image(data, message, capfd):
    with pytest.raises(InputError, match=message):
        images.decode(data)
    assert capfd.readouterr() == ("", "")


def test_reading_by_path(tmp_path):
    path = tmp_path / "bild ä.png"
    images.write(path, noise())
    assert np.array_equal(images.read(path), noise())
    with pytest.raises(InputError, match="no such file"):
        images.read(tmp_path / "none.png")
    with pytest.raises(InputError, match="cannot be read"):
        images.read(tmp_path)


def test_writing_what_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(KitError, match=r"cannot be written as \.xyz"):
        images.write(tmp_path / "a.xyz", noise())
    (tmp_path / "file").write_text("")
    with pytest.raises(KitError, match="cannot be written"):
        images.write(tmp_path / "file" / "a.png", noise())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_names_and_first_bytes(tmp_path):
    assert images.is_image("none/A.JPG") and not images.is_image("a.mp4")
    bare = tmp_path / "bare"
    bare.write_bytes(encoded(".webp"))
    assert images.is_image(bare)
    bare.write_bytes(b"text")
    assert not images.is_image(bare) and not images.is_image(tmp_path / "none")
