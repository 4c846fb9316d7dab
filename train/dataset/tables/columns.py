"""Recognition of a table's columns by the names in its header.

The names are those of `generate_tfrecord.py` scripts, Roboflow, Vertex AI, VoTT, Open Images, the VGG Image Annotator,
Amazon's and Kaggle's tables, and what people write by hand. Case, spaces and marks do not count: `X_Min` is `xmin`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Optional

from train.dataset.tables import cells as cell_values
from train.dataset.tables.layout import Layout, Sides, from_center, from_corners, from_size

_PATH = (
    "filename", "filepath", "file", "imagefilename", "imagefile", "imagefilepath", "imagename", "imagepath", "image",
    "imgname", "imgpath", "imgfile", "img", "imageid", "imgid", "path", "gcsfilepath", "imageuri", "imageurl", "uri",
    "url", "externalid", "framename", "frame", "fname", "photo", "picture",
)  # fmt: skip
_LABEL = (
    "class", "label", "classname", "labelname", "category", "categoryname", "displayname", "objectclass", "objectname",
    "object", "tag", "tagname", "classlabel", "species", "target", "type", "name", "labels", "classes", "classid",
    "categoryid", "labelid", "cls",
)  # fmt: skip
# What else has a name or a type.
_OF_OTHERS = ("file", "image", "img", "folder", "dir", "video", "frame", "camera", "user", "annotator", "author", "mime", "data")
_LABEL_ENDS = ("class", "label", "category", "type", "species", "name")
_SPLIT = ("set", "split", "subset", "usage", "partition", "mluse", "datasplit", "dataset", "part", "fold")
_WIDTH = ("imagewidth", "imgwidth", "imgw", "imagew", "originalwidth", "width", "w")
_HEIGHT = ("imageheight", "imgheight", "imgh", "imageh", "originalheight", "height", "h")
_ONE_CELL = ("bbox", "boundingbox", "box", "bndbox", "bboxes", "coordinates", "coords")

# Four columns each: minima and maxima, a corner and the size, or the centre and the size.
_CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"), ("x0", "y0", "x1", "y1"), ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"), ("xleft", "ytop", "xright", "ybottom"), ("xtl", "ytl", "xbr", "ybr"),
    ("minx", "miny", "maxx", "maxy"), ("startx", "starty", "endx", "endy"), ("xstart", "ystart", "xend", "yend"),
    ("topleftx", "toplefty", "bottomrightx", "bottomrighty"), ("xtopleft", "ytopleft", "xbottomright", "ybottomright"),
    ("upperleftx", "upperlefty", "lowerrightx", "lowerrighty"), ("ulx", "uly", "lrx", "lry"), ("tlx", "tly", "brx", "bry"),
    ("xminimum", "yminimum", "xmaximum", "ymaximum"), ("roix1", "roiy1", "roix2", "roiy2"),
)  # fmt: skip
_SIZES = (
    ("x", "y", "w", "h"), ("x", "y", "width", "height"), ("left", "top", "width", "height"), ("xmin", "ymin", "w", "h"),
    ("xmin", "ymin", "width", "height"), ("x1", "y1", "w", "h"), ("x1", "y1", "width", "height"),
    ("xtopleft", "ytopleft", "width", "height"), ("topleftx", "toplefty", "width", "height"), ("left", "top", "w", "h"),
)  # fmt: skip
_CENTERS = tuple(
    (x, y, *size)
    for x, y in (("xc", "yc"), ("cx", "cy"), ("xcenter", "ycenter"), ("centerx", "centery"), ("xcentre", "ycentre"),
                 ("centrex", "centrey"), ("xmid", "ymid"))
    for size in (("w", "h"), ("width", "height"), ("boxwidth", "boxheight"))
)  # fmt: skip
_FAMILIES: tuple[tuple[tuple[tuple[str, ...], ...], Callable[[Sequence[float]], Sides]], ...] = (
    (_CORNERS, from_corners), (_CENTERS, from_center), (_SIZES, from_size),
)  # fmt: skip
# bbox_x_min, box.left, rect-width, region x
_PREFIX = re.compile(r"^(?:bndbox|bbox|boundingbox|bounds|box|rect|rectangle|region|roi|coordinates?|bb)(?=.)")

_NEEDED = "xmin, ymin, xmax, ymax"


def by_names(header: Sequence[str], path: Optional[int] = None) -> Optional[Layout]:
    """Returns the layout of a table with this header; None if a column for images or boxes is absent.

    `path` is the column of the images' names, where something else than the header says it.
    """
    names = _Names(header)
    path = names.path() if path is None else path
    if path is None:
        return None
    if names.first(("regionshapeattributes",)) is not None:
        return _via(names, path)
    found = names.family()
    if found is None:
        return _one_cell(names, path)
    box, sides = found
    label = names.label((path, *box))
    group = names.first(("isgroupof",))
    return Layout(
        path,
        box,
        tuple(header[column].strip().lower() for column in box),
        sides,
        label,
        names.image_size(box),
        names.first(_SPLIT, (path, *((label,) if label is not None else ()))),
        group,
        columns=max((*box, path, label or 0)) + 1,
        subset=group is not None or {"imageid", "labelname"} <= set(names.index),
    )


def lacking(header: Sequence[str]) -> str:
    """Returns what a table lacks to be one of boxes, for a message; empty if it is about something else."""
    names = _Names(header)
    if {"annotationid", "leadtime"} <= names.index.keys():
        # Label Studio's own table.
        return ""
    path = names.path()
    label = names.label(() if path is None else (path,))
    sides = names.family() is not None or names.first(_ONE_CELL) is not None
    some = any(name in names.index for family in (*_CORNERS, *_CENTERS) for name in family if name not in (*_WIDTH, *_HEIGHT))
    if sum((path is not None, label is not None, some)) < 2:
        return ""
    lacks = [*(["filename"] if path is None else []), *([] if sides else [_NEEDED]), *(["class"] if label is None else [])]
    return ", ".join(lacks)


class _Names:
    """The names of a header, without case and marks: `index` maps them to the first of their `columns`."""

    def __init__(self, header: Sequence[str]) -> None:
        self.count = len(header)
        self.index: dict[str, int] = {}
        self.columns: dict[str, list[int]] = {}
        for column, text in enumerate(header):
            name = re.sub(r"[^0-9a-z]", "", text.lower())
            self.index.setdefault(name, column)
            self.columns.setdefault(name, []).append(column)
        for name, column in list(self.index.items()):
            self.index.setdefault(_PREFIX.sub("", name), column)
        for name, column in self._of_the_class().items():
            self.index.setdefault(name, column)

    def _of_the_class(self) -> dict[str, int]:
        """Returns the columns of a box that is named by what is in it, as ball_x1, ball_y1, ball_x2, ball_y2."""
        for family in _CORNERS:
            prefixes = [{name.removesuffix(side) for name in self.index if name.endswith(side) and name != side} for side in family]
            shared = set.intersection(*prefixes)
            if len(shared) == 1:
                prefix = shared.pop()
                return {side: self.index[prefix + side] for side in family}
        return {}

    def first(self, names: Sequence[str], taken: Sequence[int] = ()) -> Optional[int]:
        """Returns the first of the columns with one of `names`, in their order, that is not `taken`."""
        return next((self.index[name] for name in names if name in self.index and self.index[name] not in taken), None)

    def label(self, taken: Sequence[int]) -> Optional[int]:
        """Returns the column of the class: by its name, else the only one whose name ends as such names do (cell_type)."""
        known = self.first(_LABEL, taken)
        if known is not None:
            return known
        ending = {
            column
            for name, column in self.index.items()
            if name.endswith(_LABEL_ENDS) and not name.startswith(_OF_OTHERS) and name not in _PATH and column not in taken
        }
        return ending.pop() if len(ending) == 1 else None

    def path(self) -> Optional[int]:
        """Returns the column of the image's name; one called `name` may be that if another has the class."""
        return self.first(_PATH if self.first(_LABEL, [self.index.get("name", -1)]) is None else (*_PATH, "name"))

    def family(self) -> Optional[tuple[tuple[int, ...], Callable[[Sequence[float]], Sides]]]:
        """Returns the four columns of the box and their meaning."""
        for families, sides in _FAMILIES:
            for family in families:
                # A box's own width is preferred to that of its image.
                own = [next((n for n in (f"bbox{name}", f"box{name}", name) if n in self.index), None) for name in family]
                if sides is from_corners and (twice := self._opposite(family)):
                    return twice, sides
                columns = tuple(self.index[name] for name in own if name is not None)
                if len(set(columns)) == len(family):
                    return columns, sides
        return None

    def _opposite(self, family: Sequence[str]) -> Optional[tuple[int, ...]]:
        """Returns the columns of two opposite corners where a table has all four, as Model Maker's has: x beside its y."""
        xmin, ymin, xmax, ymax = (self.columns.get(name, []) for name in family)
        if min(map(len, (xmin, ymin, xmax, ymax))) < 2:
            return None
        first = next((x for x in xmin if x + 1 in ymin), None)
        last = next((x for x in xmax if x + 1 in ymax), None)
        return None if first is None or last is None else (first, first + 1, last, last + 1)

    def image_size(self, taken: Sequence[int]) -> Optional[tuple[int, int]]:
        """Returns the columns of the image's width and height."""
        width, height = self.first(_WIDTH, taken), self.first(_HEIGHT, taken)
        return None if width is None or height is None else (width, height)


def _one_cell(names: _Names, path: int) -> Optional[Layout]:
    box = names.first(_ONE_CELL, (path,))
    if box is None:
        return None
    label = names.label((path, box))
    split = names.first(_SPLIT, (path, box, *((label,) if label is not None else ())))
    needed = max(path, box, label or 0) + 1

    def read(cells: Sequence[str]) -> tuple[str, Optional[Sides]]:
        return cells[label] if label is not None else "", cell_values.box(cells[box])

    return Layout(
        path, (box,), ("bbox",), from_size, label, names.image_size((box,)), split, columns=needed, cell=read
    )  # fmt: skip


def _via(names: _Names, path: int) -> Optional[Layout]:
    """The VGG Image Annotator, version 2: shapes and attributes are JSON in a cell."""
    shape, attributes = names.first(("regionshapeattributes",)), names.first(("regionattributes",))
    if shape is None or attributes is None:
        return None

    def read(cells: Sequence[str]) -> tuple[str, Optional[Sides]]:
        sides = cell_values.via_shape(cells[shape])
        return cell_values.via_label(cells[attributes]) if sides else "", sides

    return Layout(
        path, (shape,), ("region_shape_attributes",), from_size, attributes, columns=max(path, shape, attributes) + 1, cell=read
    )  # fmt: skip
