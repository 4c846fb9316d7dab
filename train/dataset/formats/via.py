"""VGG Image Annotator (https://www.robots.ox.ac.uk/~vgg/software/via/), versions 1 and 2: a JSON file for all images.

Reads saved projects (`_via_img_metadata`) and exported annotations. Regions are rectangles, polygons, circles and
ellipses, and polylines that end where they began; points and other polylines have no box and are left out. The class is the region's attribute named `class`,
`label`, `name` or `type`, else the only attribute.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Canvas
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.image_files import File, ImageFiles, quoted, walk
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of
from train.dataset.formats import Score, Splits
from train.dataset.tools import entries, json_files, shapes
from train.dataset.tools.entries import Entry, Item
from train.dataset.tools.json_files import dicts, number, text
from train.files import untrusted_json

_KEYS = frozenset(("filename", "regions"))
_UNUSED = frozenset(("base64_img_data",))
_BOXED = ("rect", "polygon", "circle", "ellipse")
_CLASS = ("class", "label", "name", "type", "category", "class_name", "classname", "label_name", "object", "object_name")
# A polyline is an outline from so many points on, if its ends are this share of its longer side, or less, apart.
_FEWEST_OF_OUTLINE = 4
_MEETING = 0.05
# The class of regions without attributes, as in the balloons of the Mask R-CNN tutorial.
_NO_CLASS = "object"


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the JSON files of VIA name; None if there is no such file."""
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        return None
    names = {name for file in found for name in json_files.image_names(file)}
    images = ImageFiles(files, str(folder)).count_named(names)
    return Score(images, len(found), reason=f"JSON with regions of VIA, {found[0].name}")


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the JSON files below `folder` and their images.

    Raises InputError if there are none, too many are bad, or several attributes may be the class.
    """
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        raise InputError(f"{folder}: no JSON file of VIA in it; give the folder with the JSON file and the images")
    problems = Problems()
    tables = [(file, _images(file)) for file in found]
    attribute = _class_attribute([region for _, images in tables for image in images for region in _regions(image)], folder)
    if attribute is None:
        problems.add_note(f"the regions have no attributes, so all are of one class, {_NO_CLASS!r}")
    train, validation, lines, test = entries.read(folder, files, _entries(tables, attribute, problems), _sides, problems)
    return Splits(train, validation, lines, test=test)


def _sources(files: list[File]) -> list[File]:
    """Returns the JSON files of VIA; of a project and the annotations exported from it, which repeat it, the latter."""
    found = [file for file in files if json_files.keys(file) >= _KEYS]
    seen: dict[frozenset[str], File] = {}
    for file in found:
        seen[frozenset(json_files.image_names(file))] = file
    return list(seen.values())


def _images(file: File) -> list[dict[str, Any]]:
    data = untrusted_json.read(file.path, str(file.name), without=_UNUSED)
    if isinstance(data, dict) and isinstance(data.get("_via_img_metadata"), dict):
        data = data["_via_img_metadata"]
    images = [image for image in dicts(data) if "filename" in image]
    if not images:
        raise InputError(f"{file.name}: not a file of VIA: no image with a filename in it")
    return images


def _regions(image: dict[str, Any]) -> list[dict[str, Any]]:
    return dicts(image.get("regions"))


def _attributes(region: dict[str, Any]) -> dict[str, str]:
    """Returns the attributes of a region that have one value; of a group of check boxes, the one that is set.

    Their names are in small letters: people write them otherwise in each of several files.
    """
    found = {}
    given = region.get("region_attributes")
    for name, value in given.items() if isinstance(given, dict) else ():
        if isinstance(value, dict):
            chosen = [option for option, on in value.items() if on]
            value = chosen[0] if len(chosen) == 1 else ""
        if isinstance(value, (str, int)) and str(value).strip():
            found[str(name).strip().lower()] = str(value).strip()
    return found


def _class_attribute(regions: list[dict[str, Any]], folder: Path) -> Optional[str]:
    """Returns the attribute that is the class; None if no region has one. Raises InputError if several may be."""
    counts: Counter[str] = Counter(name for region in regions for name in _attributes(region))
    if not counts:
        return None
    usual = [name for wanted in _CLASS for name in counts if name == wanted]
    most = max(counts.values())
    found = [name for name in usual if counts[name] >= most / 2] or [name for name in counts if counts[name] == most]
    if len(found) > 1 and not usual:
        raise InputError(
            f"{folder}: the class may be the attribute {quoted(found[0])} or {quoted(found[1])} of the regions;"
            " rename the right one to class in VIA"
        )
    return found[0]


def _entries(
    tables: list[tuple[File, list[dict[str, Any]]]], attribute: Optional[str], problems: Problems
) -> Iterator[Entry]:
    skipped: Counter[str] = Counter()
    for file, images in tables:
        for image in images:
            written = text(image.get("filename"))
            location = f"{file.name}: {quoted(written)}"
            items = []
            for index, region in enumerate(_regions(image), 1):
                shape = region.get("shape_attributes")
                kind = text(shape.get("name")) if isinstance(shape, dict) else ""
                if kind and kind not in _BOXED and not (kind == "polyline" and _is_outline(shape)):
                    skipped[quoted(kind)] += 1
                    continue
                label = _NO_CLASS if attribute is None else _attributes(region).get(attribute, "")
                items.append(Item(f"{location}: region {index}", label, shape))
            unboxed = len(items) < len(_regions(image))
            yield Entry(location, file.name, (written,), tuple(items), part=split_of(file.name), skipped=unboxed)
    entries.note_skipped(skipped, problems)


def _sides(shape: Any, _: Canvas) -> shapes.Sides:
    if not isinstance(shape, dict):
        raise ValueError("has no shape_attributes")

    def value(name: str) -> float:
        return number(shape.get(name), name)

    kind = shape.get("name")
    if kind == "rect":
        return shapes.around(shapes.rectangle(value("x"), value("y"), value("width"), value("height")))
    if kind == "circle":
        return shapes.ellipse(value("cx"), value("cy"), value("r"), value("r"))
    if kind == "ellipse":
        return shapes.ellipse(value("cx"), value("cy"), value("rx"), value("ry"), math.degrees(number(shape.get("theta", 0), "theta")))
    return shapes.around(_points(shape))


def _points(shape: dict[str, Any]) -> list[tuple[float, float]]:
    """Returns the points of a polygon or polyline. Raises ValueError with the fault if it has none."""
    xs, ys = shape.get("all_points_x"), shape.get("all_points_y")
    if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
        raise ValueError("has no points")
    return [(number(x, "x"), number(y, "y")) for x, y in zip(xs, ys)]


def _is_outline(shape: Any) -> bool:
    """Returns True if a polyline goes around an object, so that its ends meet."""
    try:
        points = _points(shape)
    except ValueError:
        return False
    if len(points) < _FEWEST_OF_OUTLINE:
        return False
    xmin, ymin, xmax, ymax = shapes.around(points)
    return math.dist(points[0], points[-1]) <= _MEETING * max(xmax - xmin, ymax - ymin)
