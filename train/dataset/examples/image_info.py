"""Inspection of image files: format, size, orientation and completeness, mostly without decoding pixels."""

from __future__ import annotations

import io
import os
import re
import warnings
import zlib
from typing import NamedTuple, Optional, Union

from PIL import Image, UnidentifiedImageError

from runtime.common.errors import InputError

# Browsers on Windows save JPEG as .jfif.
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".webp", ".gif", ".tif", ".tiff")

# Images that are not read: they are named as what they are, where an annotation refers to them.
UNREAD_SUFFIXES = (
    ".heic", ".heif", ".avif", ".jp2", ".j2k", ".jxl", ".psd", ".svg", ".tga", ".ppm", ".pgm", ".pnm", ".exr", ".hdr", ".dcm",
    ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2",
)  # fmt: skip

# The formats that Pillow inspects; JPEG and PNG are inspected here, several times as fast.
_OTHER_FORMATS = ("BMP", "WEBP", "GIF", "TIFF")

# The first bytes of images that are not read: ISO/IEC 23008-12 (HEIC) and AVIF by the brand in their first box.
_UNREAD = re.compile(
    rb"....ftyp(?:(?P<AVIF>avi[fs])|(?P<HEIC>hei[cfmsx]|hev[cx]|mif1|msf1))|(?P<JPEG_2000>\0\0\0\x0cjP  |\xff\x4f\xff\x51)"
    rb"|(?P<JPEG_XL>\0\0\0\x0cJXL |\xff\x0a)|(?P<Photoshop>8BPS)|(?P<SVG>\s*(?:<\?xml[^>]*>\s*)?(?:<![^>]*>\s*)*<svg)|(?P<PNM>P[1-7]\s)",
    re.DOTALL,
)
_EXIF_ORIENTATION = 0x0112

# An image with more pixels is refused: decoded, it would take 800 MB.
MAX_PIXELS = 1 << 28

# Nearly all JPEG headers fit into this.
_HEAD_BYTES = 16 << 10

_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_PNG_START = b"\x89PNG\r\n\x1a\n"


class ImageInfo(NamedTuple):
    """The contents of an image file's header.

    `format` is "jpeg", "png", "bmp", "webp", "gif" or "tiff". `width` and `height` are those of the stored pixels.
    `orientation` is the EXIF orientation, 1 to 8, and 1 if there is none. `plain` is True for an 8-bit RGB
    or grayscale JPEG or PNG.
    """

    format: str
    width: int
    height: int
    orientation: int
    plain: bool

    @property
    def displayed_size(self) -> tuple[int, int]:
        """(width, height) as a viewer shows the image, after the EXIF rotation."""
        return oriented_size(self.width, self.height, self.orientation)


def oriented_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Returns (width, height) after the rotation by an EXIF orientation; 5 to 8 swap the sides."""
    return (height, width) if orientation >= 5 else (width, height)


def inspect(path: Union[str, os.PathLike[str]], name: Optional[str] = None) -> ImageInfo:
    """Reads an image's header and checks that the file is complete, as far as possible without decoding it.

    Error messages call the file `name` (default: its path). Raises InputError if the file is missing,
    empty, not an image, truncated, or has more than `MAX_PIXELS`.
    """
    name = name or str(path)
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(_HEAD_BYTES)
            # Of a JPEG only the beginning and the end are needed.
            if len(head) == _HEAD_BYTES and head.startswith(_JPEG_START):
                info, _ = _jpeg_header(head)
                if info is not None:
                    file.seek(-len(_JPEG_END), os.SEEK_END)
                    if file.read() == _JPEG_END:
                        return _checked(info, name)
    except OSError as error:
        raise InputError(f"{name}: cannot read the image: {error.strerror}") from error
    return inspect_bytes(read_bytes(path, name), name)


def read_bytes(path: Union[str, os.PathLike[str]], name: Optional[str] = None) -> bytes:
    """Returns the file's bytes. Raises InputError, which calls the file `name`, if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise InputError(f"{name or path}: cannot read the image: {error.strerror}") from error


def inspect_bytes(data: bytes, name: str) -> ImageInfo:
    """Inspects an image file whose bytes are in memory; `name` names it in messages. Raises as `inspect`."""
    try:
        if data.startswith(_JPEG_START):
            info = _jpeg(data)
        elif data.startswith(_PNG_START):
            info = _png(data)
        else:
            _check_read(data, name)
            info = _other(data)
    except ValueError as error:
        raise InputError(f"{name}: {error}; copy or download the image again") from error
    return _checked(info, name)


def _checked(info: ImageInfo, name: str) -> ImageInfo:
    if info.width < 1 or info.height < 1:
        raise InputError(f"{name}: it has no pixels; copy or download the image again")
    if info.width * info.height > MAX_PIXELS:
        raise InputError(f"{name}: is {info.width} x {info.height}, too large to decode; cut it into smaller images")
    return info


def _jpeg(data: bytes) -> ImageInfo:
    info, scan = _jpeg_header(data)
    if info is None:
        raise ValueError("the JPEG is damaged: it has no frame header" if scan else "the JPEG is cut off in its header")
    # Bytes after the end marker are common and harmless. Within a scan 0xFF is always followed by
    # 0x00 or a restart marker, so the first end marker after the scan's start is the image's own.
    if not data.endswith(_JPEG_END) and data.find(_JPEG_END, scan) < 0:
        raise ValueError("the JPEG is cut off: it has no end marker")
    return info


def _jpeg_header(data: bytes) -> tuple[Optional[ImageInfo], int]:
    """Reads the marker segments (ITU-T T.81, annex B) and returns the header and the first scan's offset.

    The header is None if it has no frame header; the offset is 0 if the data ends before the first scan.
    """
    frame, orientation = b"", 1
    at = data.find(b"\xff", 2)
    last = len(data) - 4
    while 0 <= at <= last:
        if data[at] != 0xFF:
            at = data.find(b"\xff", at)
            continue
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xDA:
            break
        length = data[at + 2] << 8 | data[at + 3]
        # SOF0 to SOF15, except the codes of DHT, JPG and DAC.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            frame = data[at + 1 : at + 10]
        elif marker == 0xE1 and data.startswith(b"Exif\0\0", at + 4):
            orientation = _orientation(data[at + 4 : at + 2 + length])
        at += 2 + length
    else:
        return None, 0
    if len(frame) < 9:
        return None, at
    height, width = int.from_bytes(frame[4:6], "big"), int.from_bytes(frame[6:8], "big")
    # Baseline, extended and progressive Huffman coding (SOF0 to SOF2), which every decoder has.
    plain = frame[0] <= 0xC2 and frame[3] == 8 and frame[8] in (1, 3)
    return ImageInfo("jpeg", width, height, orientation, plain), at


def _png(data: bytes) -> ImageInfo:
    """Reads the chunks (ISO/IEC 15948, clause 5) and checks their checksums."""
    orientation, header = 1, b""
    view, at = memoryview(data), 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(view[at : at + 4], "big")
        if end + 4 > len(data):
            break
        kind = bytes(view[at + 4 : at + 8])
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise ValueError(f"the PNG is damaged: the checksum of its {kind!r} chunk at byte {at} is wrong")
        if kind == b"IHDR":
            header = bytes(view[at + 8 : end])
        elif kind == b"eXIf":
            orientation = _orientation(b"Exif\0\0" + view[at + 8 : end])
        elif kind == b"IEND":
            if len(header) != 13:
                raise ValueError("the PNG is damaged: it has no header chunk")
            width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
            # Color types 0 and 2 are grayscale and RGB.
            return ImageInfo("png", width, height, orientation, header[8] == 8 and header[9] in (0, 2))
        at = end + 4
    raise ValueError("the PNG is cut off: it has no IEND chunk")


def _check_read(data: bytes, name: str) -> None:
    """Raises InputError if the bytes are those of a kind of image that is not read."""
    if found := _UNREAD.match(data):
        kind = (found.lastgroup or "").replace("_", " ")
        raise InputError(f"{name}: is {kind}, which is not read; convert it to JPEG, for example with: magick {name} {_as_jpeg(name)}")


def _as_jpeg(name: str) -> str:
    return f"{os.path.splitext(name)[0]}.jpg"


def _other(data: bytes) -> ImageInfo:
    """Inspects the other formats with Pillow; decodes the pixels, since these formats have no checksums."""
    if not data:
        raise ValueError("the file is empty")
    try:
        with warnings.catch_warnings():
            # Pillow warns of large images and of invalid EXIF; neither is an error here.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_OTHER_FORMATS) as image:
                if image.width * image.height <= MAX_PIXELS:
                    image.load()
                orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
                format = (image.format or "").lower()
                # TIFF is rotated by its decoders, here as in OpenCV.
                return ImageInfo(format, image.width, image.height, 1 if format == "tiff" else _valid(orientation), False)
    except UnidentifiedImageError as error:
        raise ValueError("neither JPEG nor PNG, BMP, WebP, GIF or TIFF") from error
    except Exception as error:
        # Pillow raises exceptions of many kinds for broken images; to the user they all mean the same.
        raise ValueError(f"the image is cut off or damaged ({error})") from error


def _orientation(exif: bytes) -> int:
    tags = Image.Exif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tags.load(exif)
            return _valid(tags.get(_EXIF_ORIENTATION, 1))
    except Exception:
        # Viewers show an image with unreadable EXIF as it is stored.
        return 1


def _valid(orientation: object) -> int:
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
