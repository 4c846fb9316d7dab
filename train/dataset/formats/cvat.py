"""CVAT's own XML (https://docs.cvat.ai/docs/other/xml_format): "CVAT for images 1.1" and "CVAT for video 1.1".

One file has all images of a task. Boxes, polygons, ellipses and masks are used, rotated ones by the box around them;
polylines, points, cuboids, skeletons and tags are left out. `subset` is the split of an image. The boxes of a video's
tracks are used where its frames lie in the folder as `frame_000000.png`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Optional
from xml.etree.ElementTree import Element

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Canvas
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.image_files import File, ImageFiles, is_image, walk
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of_folder
from train.dataset.formats import Score, Splits
from train.dataset.tools import entries, shapes
from train.dataset.tools.entries import Entry, Item
from train.dataset.tools.json_files import number
from train.files import untrusted_xml

_HEAD_BYTES = 4096
_ROOT = re.compile(rb"<annotations[\s>]")
_OURS = re.compile(rb"<(?:meta|image|track)[\s>]")
_NAME = re.compile(rb"<image\b[^>]*?\bname=[\"']([^\"']*)")
_CHUNK = 16 << 20
# A task of 100,000 boxes has 30 MB.
_MAX_BYTES = 256 << 20
_BOXED = ("box", "polygon", "ellipse", "mask")
_OTHER = ("polyline", "points", "cuboid", "skeleton", "tag")


def score(folder: Path) -> Optional[Score]:
    """Returns how many images CVAT's XML files name; None if there is no such file."""
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        return None
    names = {name for file in found for name in _names(file)}
    images = ImageFiles(files, str(folder)).count_named(names)
    images += sum(1 for file in files if is_image(file) and _frame_number(file) is not None and file.name.stem not in names)
    return Score(images, len(found), reason=f"XML of CVAT, {found[0].name}")


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the XML files below `folder` and their images.

    Raises InputError if there are none, they are of a video without its frames, or too many are bad.
    """
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        raise InputError(f"{folder}: no XML file of CVAT in it; give the folder with annotations.xml and the images")
    problems = Problems()
    train, validation, lines, test = entries.read(folder, files, _entries(found, files, problems), _sides, problems)
    return Splits(train, validation, lines, test=test)


def _sources(files: list[File]) -> list[File]:
    return [file for file in files if file.suffix == ".xml" and _is_ours(file)]


def _is_ours(file: File) -> bool:
    head = file.head(_HEAD_BYTES)
    return bool(_ROOT.search(head) and _OURS.search(head))


def _names(file: File) -> set[str]:
    """Returns the names of images in an XML file, without parsing it."""
    found: set[bytes] = set()
    try:
        with file.path.open("rb") as opened:
            rest = b""
            while chunk := opened.read(_CHUNK):
                found.update(_NAME.findall(rest + chunk))
                rest = chunk[-1024:]
    except OSError:
        return set()
    return {name.decode("utf-8", "replace") for name in found}


def _entries(found: list[File], files: list[File], problems: Problems) -> Iterator[Entry | InputError]:
    skipped: Counter[str] = Counter()
    for file in found:
        try:
            root = untrusted_xml.read(file.path, str(file.name), _MAX_BYTES)
            if root.tag != "annotations":
                raise InputError(f"{file.name}: not a file of CVAT: its root is <{str(root.tag)[:40]}>")
            tracks = root.findall("track")
            if tracks and root.find("image") is None:
                yield from _frames(file, tracks, files, skipped)
        except InputError as error:
            yield error
            continue
        for image in root.iter("image"):
            yield _image(file, image, skipped)
    entries.note_skipped(skipped, problems)


def _image(file: File, image: Element, skipped: Counter[str]) -> Entry:
    written = image.get("name", "")
    location = f"{file.name}: {written[:80]!r}"
    items = []
    for index, shape in enumerate(image, 1):
        if shape.tag in _BOXED:
            items.append(Item(f"{location}: shape {index}", shape.get("label", ""), shape))
        elif shape.tag in _OTHER:
            skipped[str(shape.tag)] += 1
    part = split_of_folder(PurePosixPath(image.get("subset", ""), "x")) or split_of_folder(file.name)
    unboxed = any(shape.tag in _OTHER and shape.tag != "tag" for shape in image)
    return Entry(location, file.name, (written,), tuple(items), _size(image), part, unboxed)


def _frames(file: File, tracks: list[Element], files: list[File], skipped: Counter[str]) -> Iterator[Entry]:
    """Yields an entry for each frame of a video that has a box and lies in the folder."""
    frames = {number: image for image in files if is_image(image) and (number := _frame_number(image)) is not None}
    if not frames:
        raise InputError(
            f"{file.name}: annotates a video whose frames are not in the folder; export it as 'CVAT for images 1.1' with"
            " its images"
        )
    shown: dict[int, list[Item]] = defaultdict(list)
    for track in tracks:
        for shape in track:
            if shape.tag in _OTHER:
                skipped[str(shape.tag)] += 1
            text = shape.get("frame", "")
            if shape.tag in _BOXED and shape.get("outside") != "1" and text.isdecimal() and int(text) in frames:
                name = f"{file.name}: track {track.get('id', '')[:20]}, frame {text}"
                shown[int(text)].append(Item(name, track.get("label", ""), shape))
    for frame, items in sorted(shown.items()):
        location = f"{file.name}: frame {frame}"
        yield Entry(location, file.name, (frames[frame].name.as_posix(),), tuple(items), part=split_of_folder(file.name))


def _frame_number(image: File) -> Optional[int]:
    match = re.fullmatch(r"frame_(\d{1,9})", image.name.stem, re.IGNORECASE)
    return int(match[1]) if match else None


def _size(image: Element) -> Optional[tuple[float, float]]:
    try:
        return number(image.get("width"), "width"), number(image.get("height"), "height")
    except ValueError:
        return None


def _sides(shape: Element, _: Canvas) -> shapes.Sides:
    def value(name: str) -> float:
        return number(shape.get(name), name)

    degrees = number(shape.get("rotation", 0), "rotation")
    if shape.tag == "box":
        left, top, right, bottom = value("xtl"), value("ytl"), value("xbr"), value("ybr")
        if not degrees:
            return left, top, right, bottom
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        return shapes.rotated(corners, degrees, ((left + right) / 2, (top + bottom) / 2))
    if shape.tag == "ellipse":
        return shapes.ellipse(value("cx"), value("cy"), value("rx"), value("ry"), degrees)
    if shape.tag == "mask":
        return shapes.around(shapes.rectangle(value("left"), value("top"), value("width"), value("height")))
    return shapes.around(_points(shape.get("points", "")))


def _points(written: str) -> list[tuple[float, float]]:
    """Returns the points of "x,y;x,y"."""
    found = []
    for pair in written.split(";"):
        x, _, y = pair.partition(",")
        found.append((number(x, "x"), number(y, "y")))
    return found
