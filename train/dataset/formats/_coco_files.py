"""COCO JSON files as tools write them, brought into one form: images, annotations and categories.

Ids may be numbers or text; categories a list, names, or a map; annotations in a list of their own, inside their
images, or in a list of images without anything around it (detectron2, Create ML).
"""

from __future__ import annotations

import json
import mmap
import re
from dataclasses import dataclass, field
from typing import Any, Union

from runtime.common.errors import InputError
from train.dataset.coco.rules import Key, key
from train.dataset.examples.image_files import File, quoted
from train.dataset.examples.outlines import Sides, box_around
from train.dataset.examples.split_names import split_of
from train.dataset.examples.splits import HELD_OUT
from train.files import untrusted_json

Entry = dict[str, Any]
# The number of an annotation in its list, or the words for one inside an image.
Place = Union[int, str]

# The order of a file's lists differs between tools, so both ends of the file are examined.
_PEEK_BYTES = 1 << 20
_LISTS = re.compile(rb'"(images|annotations|categories)"\s*:')
# A list of images with their annotations, but not that of Label Studio's own format.
_LISTED = re.compile(rb'"annotations"\s*:\s*\[')
# Datumaro's list in the place of COCO's images.
_ITEMS = re.compile(rb'"items"\s*:\s*\[')
_BOXES = re.compile(rb'"(?:bbox|coordinates)"\s*:\s*[\[{]')
_OTHER = re.compile(rb'"(?:from_name|shape_attributes|shapes|media_type)"\s*:')
# The usual name of the name is a literal that a search finds ten times as fast as a choice of several.
_TEXT = rb'\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)"'
_FILE_NAME = re.compile(rb'"file_name"' + _TEXT, re.DOTALL)
_OTHER_NAME = re.compile(rb'"(?:filename|fileName|image|image_path|path)"' + _TEXT, re.DOTALL)

# What only other tasks need, and takes most of the space.
_UNUSED = ("keypoints", "caption", "area", "licenses")
_NAMES = ("file_name", "filename", "fileName", "path", "image_path", "image_name", "image", "name", "coco_url", "url")
_INSIDE = ("annotations", "objects", "boxes", "bboxes")
_LABELS = ("category_name", "category", "label", "class", "class_name", "name")
_SAMPLE = 1000


@dataclass
class CocoFile:
    """The contents of a file. `images` are (location for messages, entry), `annotations` (place, entry).

    Annotations inside of an image have its key as `image_id`. `categories` maps ids to class names, and `groups` are
    the names of supercategories. `faults` maps ids of categories to what is wrong with them. `as_shown` is True if
    the boxes are those of the images as shown, whatever the sizes say.
    """

    file: File
    images: list[tuple[str, Entry]] = field(default_factory=list)
    annotations: list[tuple[Place, Entry]] = field(default_factory=list)
    categories: dict[Key, str] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)
    faults: dict[Key, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    as_shown: bool = False


def looks_like_coco(file: File) -> bool:
    """Returns True if a JSON file has at least two of COCO's lists, or is a list of images with annotations."""
    if file.suffix != ".json":
        return False
    try:
        with file.path.open("rb") as opened:
            data = opened.read(_PEEK_BYTES)
            if len(data) == _PEEK_BYTES:
                opened.seek(max(_PEEK_BYTES, file.path.stat().st_size - _PEEK_BYTES))
                data += opened.read(_PEEK_BYTES)
    except OSError:
        return False
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        return bool(_LISTED.search(data) and _BOXES.search(data) and not _OTHER.search(data))
    found = set(_LISTS.findall(data))
    return len(found) >= 2 and not (b"images" not in found and _ITEMS.search(data))


def file_names(source: File) -> set[str]:
    """Returns the names of images in a JSON file, without parsing it; empty if it cannot be read."""
    try:
        with source.path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = {_unescaped(match[1]) for match in _FILE_NAME.finditer(data)}
            return found or {_unescaped(match[1]) for match in _OTHER_NAME.finditer(data)}
    except (OSError, ValueError):
        return set()


def read(file: File) -> CocoFile:
    """Returns the contents of a file. Raises InputError if it is not JSON, or has nothing of COCO's."""
    name = str(file.name)
    data = untrusted_json.read(file.path, name, hook=_reduced)
    found = CocoFile(file)
    if isinstance(data, list):
        data = _from_list(data)
    if not isinstance(data, dict):
        raise InputError(f"{name}: not COCO annotations: it has no list 'images'")
    images = _rows(data, "images", name)
    inside = [key for key in _INSIDE if any(isinstance(row, dict) and isinstance(row.get(key), list) for row in images[:_SAMPLE])]
    annotations = _rows(data, "annotations", name, optional=bool(inside) or split_of(file.name) in HELD_OUT)
    found.images = [(f"{name}: images[{number}]", row) for number, row in enumerate(images)]
    found.annotations = list(enumerate(annotations))
    for image, row in found.images:
        if isinstance(row, dict):
            for list_name in inside:
                _take_out(row, list_name, image, found.annotations)
    _read_categories(found, data.get("categories"), name)
    info = data.get("info")
    by_label_studio = isinstance(info, dict) and info.get("contributor") == "Label Studio"
    # Its converter writes PIL's size, which is that of the stored pixels, and boxes in shares of the browser's.
    ignore = annotations and all(isinstance(row, dict) and "ignore" in row for row in annotations)
    found.as_shown = bool(ignore) and (by_label_studio or file.name.stem.lower().startswith("result"))
    return found


def location(source: str, place: Place) -> str:
    """Returns the place of an annotation for messages."""
    return f"{source}: annotations[{place}]" if isinstance(place, int) else place


def written_name(image: Entry) -> str:
    """Returns the file name that an image's entry gives; empty if it gives none."""
    return next((value for name in _NAMES if isinstance(value := image.get(name), str) and value.strip()), "")


def label(annotation: Entry, found: CocoFile) -> str:
    """Returns the class name of an annotation. Raises ValueError with the fault if it has none."""
    written = annotation.get("category_id")
    id = key(written)
    if id is not None:
        if id in found.faults:
            raise ValueError(f"has the category_id {quoted(written)}, {found.faults[id]}")
        if id in found.categories:
            return found.categories[id]
        if isinstance(id, str) and id in found.categories.values():
            return id
    named = next((value for name in _LABELS if isinstance(value := annotation.get(name), str) and value.strip()), None)
    if named is not None and (not found.categories or named in found.categories.values() or id is None):
        return named
    if id is not None and not found.categories:
        return str(id)
    raise ValueError(
        f"has the category_id {quoted(written)}, which none of the {len(found.categories)} categories has;"
        " add the category, or take the box out"
    )


def sides(annotation: Entry) -> Sides:
    """Returns the sides of an annotation's box. Raises ValueError with the fault if it has none."""
    box = annotation.get("bbox")
    place = annotation.get("coordinates") if box is None else None
    if isinstance(place, dict):
        # Create ML gives the center.
        x, y, width, height = _four([place.get(name) for name in ("x", "y", "width", "height")], place)
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if isinstance(box, dict):
        box = [box.get(name, box.get(short)) for name, short in (("x", "left"), ("y", "top"), ("width", "w"), ("height", "h"))]
    if isinstance(box, str):
        # As tables of pandas have it.
        box = box.strip("[](){} ").replace(",", " ").split()
    if isinstance(box, list) and len(box) == 1 and isinstance(box[0], list):
        box = box[0]
    if not isinstance(box, list) or len(box) != 4:
        raise ValueError("has no bbox of four numbers, and no outline")
    x, y, width, height = _four(box, box)
    # Detectron2's BoxMode.XYXY_ABS
    return (x, y, width, height) if annotation.get("bbox_mode") == 0 else (x, y, x + width, y + height)


def is_length(value: object) -> bool:
    """Returns True for a number that may count pixels; False for NaN and infinity."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9


def _four(values: list[Any], shown: object) -> tuple[float, float, float, float]:
    numbers = values if all(map(is_length, values)) else [_number(value) for value in values]
    if numbers is not values and not all(map(is_length, numbers)):
        raise ValueError(f"has the bbox {quoted(shown)}, which is not four numbers of pixels")
    x, y, width, height = numbers
    return x, y, width, height


def _number(value: Any) -> Any:
    if isinstance(value, str) and len(value) < 40:
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _reduced(item: Entry) -> Entry:
    """Replaces an outline by the box around it, if there is no other box, while the file is parsed, to save memory."""
    for unused in _UNUSED:
        if unused in item:
            del item[unused]
    outline = item.pop("segmentation", None)
    if outline:
        box = item.get("bbox")
        usable = isinstance(box, list) and len(box) == 4 and (box[2] or box[3]) and box[2] == box[2]
        if not usable and not (isinstance(box, (dict, str)) and box):
            around = box_around(outline)
            if around is not None:
                item["bbox"] = [around[0], around[1], around[2] - around[0], around[3] - around[1]]
    return item


def _from_list(rows: list[Any]) -> Entry:
    """Returns a list without anything around it as COCO's lists: whole files, images, or annotations."""
    entries = [row for row in rows if isinstance(row, dict)]
    files = [row for row in entries if isinstance(row.get("images"), list) and isinstance(row.get("annotations"), list)]
    if len(files) == 1:
        return files[0]
    return {"images": rows}


def _rows(data: Entry, name: str, source: str, optional: bool = False) -> list[Any]:
    rows = data.get(name)
    if isinstance(rows, dict) and rows and all(isinstance(row, dict) for row in rows.values()):
        # A map from ids.
        return [{"id": id, **row} for id, row in rows.items()]
    if isinstance(rows, list):
        return rows
    if optional and rows is None:
        return []
    raise InputError(f"{source}: not COCO annotations: it has no list {name!r}")


def _take_out(image: Entry, name: str, location: str, annotations: list[tuple[Place, Entry]]) -> None:
    inside = image.get(name)
    if not isinstance(inside, list):
        return
    del image[name]
    if key(image.get("id", image.get("image_id"))) is None:
        image["id"] = written_name(image)
    for number, row in enumerate(inside):
        if isinstance(row, dict):
            row["image_id"] = image.get("id", image.get("image_id"))
        annotations.append((f"{location}.{name}[{number}]", row))


def _read_categories(found: CocoFile, rows: object, name: str) -> None:
    if isinstance(rows, dict):
        rows = [{"id": id, **(row if isinstance(row, dict) else {"name": row})} for id, row in rows.items()]
    if rows is None:
        if found.annotations:
            found.notes.append(f"{name}: has no list 'categories'; the classes are called what the annotations say")
        return
    if not isinstance(rows, list):
        raise InputError(f"{name}: not COCO annotations: its categories are no list")
    entries = [row if isinstance(row, dict) else {"name": row} for row in rows]
    if entries and all(key(row.get("id")) is None for row in entries):
        used = {key(row.get("category_id")) for _, row in found.annotations if isinstance(row, dict)}
        first = 1 if len(entries) in used and 0 not in used else 0
        found.notes.append(f"{name}: its categories have no ids; numbered from {first}, in their order")
        entries = [{**row, "id": number} for number, row in enumerate(entries, first)]
    found.groups = {row["supercategory"] for row in entries if isinstance(row.get("supercategory"), str)}
    for number, row in enumerate(entries):
        location = f"{name}: categories[{number}]"
        id = key(row.get("id"))
        text = next((value for word in ("name", "label", "title", "supercategory") if isinstance(value := row.get(word), str) and value.split()), "")
        if id is None:
            found.notes.append(f"{location}: has no id; not among the classes")
        elif not text:
            found.faults[id] = f"and {location} has no name"
        elif found.categories.setdefault(id, " ".join(text.split())) != " ".join(text.split()):
            found.faults[id] = f"and {location} gives the id the name {quoted(text)}, another {quoted(found.categories[id])}"


def _unescaped(text: bytes) -> str:
    if b"\\" in text:
        try:
            value = json.loads(b'"' + text + b'"')
            return value if isinstance(value, str) else ""
        except ValueError:
            return ""
    return text.decode("utf-8", "replace")
