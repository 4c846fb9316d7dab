from __future__ import annotations

import io
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from runtime.common.errors import InputError
from train.dataset.examples import images
from train.dataset.examples.example import Example
from train.dataset.examples.image_info import ImageInfo, inspect, inspect_bytes


def smooth(width: int = 64, height: int = 48) -> np.ndarray:
    """uint8 [height, width, 3], RGB, without fine detail."""
    grid = np.random.default_rng(0).integers(0, 255, (3, 4, 3)).astype(np.uint8)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)


def save(path: Path, mode: str = "RGB", orientation: int = 0, **options) -> Path:
    image = Image.fromarray(smooth())
    image = image.quantize(16) if mode == "P" else image.convert(mode)
    if orientation:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = orientation
    image.save(path, **options)
    return path


def example(path: Path, orientation: int = 1, width: int = 64, height: int = 48) -> Example:
    return Example("a", path, width, height, (), orientation)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    assert one.shape == other.shape
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize(
    ("name", "mode", "options", "info"),
    [
        ("a.jpg", "RGB", {}, ImageInfo("jpeg", 64, 48, 1, True)),
        ("a.jpg", "RGB", {"progressive": True}, ImageInfo("jpeg", 64, 48, 1, True)),
        ("a.jpg", "L", {}, ImageInfo("jpeg", 64, 48, 1, True)),
        ("a.jpg", "CMYK", {}, ImageInfo("jpeg", 64, 48, 1, False)),
        ("a.jpg", "RGB", {"orientation": 6}, ImageInfo("jpeg", 64, 48, 6, True)),
        ("a.png", "RGB", {}, ImageInfo("png", 64, 48, 1, True)),
        ("a.png", "L", {}, ImageInfo("png", 64, 48, 1, True)),
        ("a.png", "RGBA", {}, ImageInfo("png", 64, 48, 1, False)),
        ("a.png", "P", {}, ImageInfo("png", 64, 48, 1, False)),
        ("a.png", "1", {}, ImageInfo("png", 64, 48, 1, False)),
        ("a.png", "RGB", {"orientation": 3}, ImageInfo("png", 64, 48, 3, True)),
        ("a.bmp", "RGB", {}, ImageInfo("bmp", 64, 48, 1, False)),
        ("a.webp", "RGB", {}, ImageInfo("webp", 64, 48, 1, False)),
        ("a.gif", "P", {}, ImageInfo("gif", 64, 48, 1, False)),
        ("a.jfif", "RGB", {}, ImageInfo("jpeg", 64, 48, 1, True)),
        ("a.jpe", "RGB", {}, ImageInfo("jpeg", 64, 48, 1, True)),
        ("a.tif", "RGB", {}, ImageInfo("tiff", 64, 48, 1, False)),
        ("a.tiff", "CMYK", {"compression": "tiff_lzw"}, ImageInfo("tiff", 64, 48, 1, False)),
        ("a.tif", "L", {}, ImageInfo("tiff", 64, 48, 1, False)),
    ],
)
def test_inspect(tmp_path, name, mode, options, info):
    assert inspect(save(tmp_path / name, mode, **options)) == info


def test_format_is_that_of_the_bytes_not_of_the_name(tmp_path):
    assert inspect(save(tmp_path / "a.jpg", format="PNG")).format == "png"


def test_tiff_is_rotated_by_its_decoders(tmp_path):
    """Pillow and OpenCV both apply its orientation; what both show is what is read."""
    path = tmp_path / "a.tif"
    Image.fromarray(smooth()).save(path, tiffinfo={0x0112: 6})
    info = inspect(path)
    assert (info.width, info.height, info.orientation) == (48, 64, 1)
    with Image.open(path) as image:
        shown = np.asarray(image.convert("RGB"))[:, :, ::-1]
    assert np.array_equal(images.load(example(path, 1, 48, 64)), shown)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypmif1", "HEIC"),
        (b"\0\0\0\x18ftypavif", "AVIF"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x0a\xfa", "JPEG XL"),
        (b"8BPS\0\1", "Photoshop"),
        (b'<?xml version="1.0"?>\n<svg xmlns="">', "SVG"),
        (b"P6 64 48 255\n", "PNM"),
    ],
)
def test_what_is_not_read_is_named(start, kind):
    with pytest.raises(InputError, match=rf"images/p0.jpg: is {kind}, which is not read; convert it to JPEG, for example with: magick"):
        inspect_bytes(start + bytes(100), "images/p0.jpg")


def test_sixteen_bit_png_is_not_plain(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), smooth().astype(np.uint16) * 257)
    assert not inspect(tmp_path / "a.png").plain


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.bmp", "a.webp", "a.gif"])
def test_cut_off_anywhere_is_refused(tmp_path, name):
    data = save(tmp_path / name, "P" if name == "a.gif" else "RGB").read_bytes()
    for length in (0, 1, 2, 3, 10, 30, len(data) // 3, len(data) // 2, len(data) * 9 // 10, len(data) - 20):
        with pytest.raises(InputError, match=r"images/a\.\w+: .*copy or download"):
            inspect_bytes(data[:length], f"images/{name}")


def test_jpeg_cut_off_after_its_thumbnail_is_refused():
    """The end marker of a thumbnail in the EXIF segment is not the image's."""
    thumbnail, whole = io.BytesIO(), io.BytesIO()
    Image.fromarray(smooth(16, 12)).save(thumbnail, "JPEG")
    segment = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + thumbnail.getvalue()
    Image.fromarray(smooth()).save(whole, "JPEG", exif=segment)
    data = whole.getvalue()
    assert inspect_bytes(data, "a").width == 64
    assert b"\xff\xd9" in data[:-30]
    with pytest.raises(InputError, match="no end marker"):
        inspect_bytes(data[:-30], "a")


def test_bytes_after_the_end_of_a_jpeg_are_harmless(tmp_path):
    data = save(tmp_path / "a.jpg").read_bytes()
    assert inspect_bytes(data + b"\0" * 100, "a").width == 64


def test_png_with_a_wrong_checksum_is_refused(tmp_path):
    data = bytearray(save(tmp_path / "a.png").read_bytes())
    data[-40] ^= 1
    with pytest.raises(InputError, match="checksum of its b'IDAT' chunk"):
        inspect_bytes(data, "a.png")


def test_missing_image_and_folder(tmp_path):
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(InputError, match="cannot read the image"):
            inspect(path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_as_displayed(tmp_path, orientation):
    path = save(tmp_path / "a.png", orientation=orientation)
    with Image.open(path) as image:
        displayed = np.asarray(ImageOps.exif_transpose(image))[:, :, ::-1]
    turned = example(path, orientation, *inspect(path).displayed_size)
    assert np.array_equal(images.load(turned), displayed)
    assert np.array_equal(images.load(turned), cv2.imread(str(path)))
    data, format = images.encoded(turned)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert format == "png" and np.array_equal(decoded, displayed)


def test_boxes_drawn_on_stored_pixels_get_stored_pixels_without_the_orientation(tmp_path):
    path = save(tmp_path / "a.jpg", orientation=6, quality=95)
    stored = example(path)
    assert difference(images.load(stored), smooth()[:, :, ::-1]) < 2
    data, format = images.encoded(stored)
    assert format == "jpeg" and inspect_bytes(data, "a").orientation == 1
    assert difference(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), images.load(stored)) < 2


@pytest.mark.parametrize(("name", "mode"), [("a.jpg", "RGB"), ("a.jpg", "L"), ("a.png", "RGB"), ("a.png", "L")])
def test_plain_images_are_encoded_as_they_are_stored(tmp_path, name, mode):
    path = save(tmp_path / name, mode)
    assert images.encoded(example(path)) == (path.read_bytes(), "jpeg" if name == "a.jpg" else "png")


@pytest.mark.parametrize(
    ("name", "mode", "format", "tolerance"),
    [
        ("a.jpg", "CMYK", "jpeg", 3),
        ("a.png", "RGBA", "png", 0),
        ("a.png", "P", "png", 0),
        ("a.png", "1", "png", 0),
        ("a.bmp", "RGB", "png", 0),
        ("a.webp", "RGB", "png", 0),
        ("a.gif", "P", "png", 0),
    ],
)
def test_other_images_are_encoded_again(tmp_path, name, mode, format, tolerance):
    one = example(save(tmp_path / name, mode))
    with Image.open(one.image) as image:
        expected = np.asarray(image.convert("RGB"))[:, :, ::-1]
    data, found = images.encoded(one)
    info = inspect_bytes(data, "a")
    assert (found, info.format, info.plain) == (format, format, True)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert difference(decoded, images.load(one)) <= tolerance
    assert difference(images.load(one), expected) < 12


def test_sixteen_bits_become_eight(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), smooth().astype(np.uint16) * 257)
    one = example(tmp_path / "a.png")
    assert difference(images.load(one), smooth()) <= 1
    assert inspect_bytes(images.encoded(one)[0], "a").plain


def test_image_that_changed_since_is_refused(tmp_path):
    one = example(save(tmp_path / "a.jpg"), width=63)
    for use in (images.load, images.encoded):
        with pytest.raises(InputError, match="64 x 48 now, not 63 x 48"):
            use(one)


def test_mutated_headers_end_in_info_or_in_one_line(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a.jpg", "a.png", "a.webp", "a.gif", "a.bmp"):
        orientation = 5 if name == "a.jpg" else 0
        good = save(tmp_path / name, "P" if name == "a.gif" else "RGB", orientation).read_bytes()
        for _ in range(60):
            data = bytearray(good)
            for at in rng.integers(0, min(len(data), 400), 3):
                data[at] = rng.integers(256)
            try:
                assert inspect_bytes(bytes(data), name).width > 0
            except InputError as error:
                message = str(error)
                assert "\n" not in message


@pytest.fixture
def large() -> np.ndarray:
    """uint8 [300, 400, 3] of noise, whose JPEG is longer than the part that is read of most."""
    return np.random.default_rng(1).integers(0, 255, (300, 400, 3)).astype(np.uint8)


@pytest.mark.parametrize("exif", [0, 3, 40_000])
@pytest.mark.parametrize("after", [b"", b"\0" * 100, b"text after the end"])
def test_both_ends_of_a_large_jpeg_suffice(tmp_path, large, exif, after):
    image = Image.fromarray(large)
    tags = Image.Exif()
    if exif:
        tags[0x0112] = 3
        tags[0x010E] = "x" * exif
    image.save(tmp_path / "a.jpg", exif=tags, quality=95)
    data = (tmp_path / "a.jpg").read_bytes() + after
    (tmp_path / "a.jpg").write_bytes(data)
    assert len(data) > 32 << 10
    assert inspect(tmp_path / "a.jpg") == inspect_bytes(data, "a") == ImageInfo("jpeg", 400, 300, 3 if exif else 1, True)
    (tmp_path / "a.jpg").write_bytes(data[: -5000 - len(after)])
    with pytest.raises(InputError, match="cut off"):
        inspect(tmp_path / "a.jpg")


def bombs() -> dict[str, bytes]:
    """Small files that say they are images of thousands of millions of pixels."""
    side = (60_000).to_bytes(2, "big")
    jpeg = io.BytesIO()
    Image.fromarray(smooth()).save(jpeg, "jpeg")
    at = jpeg.getvalue().index(b"\xff\xc0")
    jpeg = jpeg.getvalue()[: at + 5] + side * 2 + jpeg.getvalue()[at + 9 :]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    gif = b"GIF89a" + (60_000).to_bytes(2, "little") * 2 + b"\x80\0\0" + bytes(6) + b"\x2c" + bytes(4)
    gif += (60_000).to_bytes(2, "little") * 2 + b"\0\x02\x02\x44\x01\0\x3b"
    return {"jpeg": jpeg, "png": png, "gif": gif}


@pytest.mark.parametrize("kind", ["jpeg", "png", "gif"])
def test_images_too_large_to_decode_are_refused(kind):
    with pytest.raises(InputError, match=r"60000 x 60000, too large to decode|decompression bomb"):
        inspect_bytes(bombs()[kind], "a")
