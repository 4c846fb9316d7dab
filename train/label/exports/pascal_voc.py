"""PASCAL VOC: `annotations/NAME.xml`, for LabelImg and most other tools. Scores are elements that tools ignore."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from runtime.common.command import spelling
from runtime.common.values import Labels
from train.dataset.writers.pascal_voc import annotation
from train.label.proposals import ProposedImage


def write(images: Sequence[ProposedImage], labels: Labels, folder: Path, out: str) -> str:
    """An XML file for each image, and the classes for LabelImg."""
    (folder / "annotations").mkdir()
    for image in images:
        boxes = [box for box, _ in image.shown]
        root = ElementTree.fromstring(annotation(image.name, (image.width, image.height), boxes))
        place = root.find("folder")
        if place is not None:
            place.text = "images"
        for element, (_, score) in zip(root.findall("object"), image.shown):
            if score is not None:
                ElementTree.SubElement(element, "score").text = f"{score:.4f}"
        ElementTree.indent(root)
        target = folder / "annotations" / f"{Path(image.name).stem}.xml"
        target.write_bytes(ElementTree.tostring(root, encoding="utf-8"))
    (folder / "predefined_classes.txt").write_text(labels.text(), encoding="utf-8")
    return f"{spelling('label', 'train.label')} {out} --serve, or labelImg {out}/images {out}/predefined_classes.txt {out}/annotations"
