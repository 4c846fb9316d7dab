"""PASCAL VOC: `Annotations/`, `JPEGImages/` and the lists `ImageSets/Main/train.txt` and `val.txt`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from train.dataset.dataset import Dataset
from train.dataset.examples.example import LabelledBox
from train.dataset.writers import _image_copies as image_copies


def write(dataset: Dataset, folder: Path) -> None:
    """Writes `dataset` into `folder`, with an XML file per image; nothing of an example is lost."""
    for name in ("Annotations", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    stems = {}
    for example, name in image_copies.copy((*dataset.train, *dataset.validation), folder / "JPEGImages"):
        stems[example.id] = Path(name).stem
        text = annotation(name, (example.width, example.height), example.boxes)
        (folder / "Annotations" / f"{Path(name).stem}.xml").write_bytes(text)
    for part, examples in (("train", dataset.train), ("val", dataset.validation)):
        write_list(folder, part, (stems[example.id] for example in examples))


def write_list(folder: Path, name: str, lines: Iterable[str]) -> None:
    """Writes a list of images, one id per line, to `ImageSets/Main/NAME.txt` in `folder`."""
    text = "".join(f"{line}\n" for line in lines)
    (folder / "ImageSets" / "Main" / f"{name}.txt").write_text(text, encoding="utf-8")


def annotation(filename: str, size: tuple[int, int], boxes: Iterable[LabelledBox]) -> bytes:
    """Returns the XML annotation of an image of `size` (width, height) in `JPEGImages`."""
    root = ElementTree.Element("annotation")
    _add(root, "folder", "JPEGImages")
    _add(root, "filename", filename)
    extent = ElementTree.SubElement(root, "size")
    for tag, value in zip(("width", "height", "depth"), (*size, 3)):
        _add(extent, tag, value)
    for item in boxes:
        element = ElementTree.SubElement(root, "object")
        _add(element, "name", item.label)
        _add(element, "truncated", int(item.truncated))
        _add(element, "difficult", int(item.difficult))
        bounds = ElementTree.SubElement(element, "bndbox")
        for tag, side in zip(("xmin", "ymin", "xmax", "ymax"), item.box.as_tuple()):
            _add(bounds, tag, f"{side:.10g}")
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="utf-8")
    return xml


def _add(parent: ElementTree.Element, tag: str, value: object) -> None:
    ElementTree.SubElement(parent, tag).text = str(value)
