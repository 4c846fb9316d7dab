"""CVAT's own XML, "CVAT for images 1.1" (https://docs.cvat.ai/docs/other/xml_format), and the labels of its task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from runtime.common.values import Labels
from train.label.proposals import ProposedImage


def write(images: Sequence[ProposedImage], labels: Labels, folder: Path, out: str) -> str:
    """`annotations.xml` with the images in the order of their names, as CVAT numbers them, and `labels.json`.

    Boxes that a detector proposes have the source "auto", those of people "manual"; a label has a number `score`, which CVAT
    shows beside the box.
    """
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    # Datumaro reads no file without it, and takes the order of the classes from it.
    known = ElementTree.SubElement(ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task"), "labels")
    for name in labels:
        label = ElementTree.SubElement(known, "label")
        ElementTree.SubElement(label, "name").text = name
        attribute = ElementTree.SubElement(ElementTree.SubElement(label, "attributes"), "attribute")
        for tag, text in (("name", "score"), ("mutable", "False"), ("input_type", "number"), ("values", "0\n100\n1")):
            ElementTree.SubElement(attribute, tag).text = text
    for number, image in enumerate(sorted(images, key=lambda item: item.name)):
        element = ElementTree.SubElement(
            root, "image", id=str(number), name=image.name, width=str(image.width), height=str(image.height)
        )
        for item, score in image.shown:
            sides = zip(("xtl", "ytl", "xbr", "ybr"), item.box.as_tuple())
            about = {
                "label": item.label,
                "source": "manual" if score is None else "auto",
                "occluded": "0",
                "z_order": "0",
            }
            box = ElementTree.SubElement(element, "box", {**about, **{name: f"{side:.2f}" for name, side in sides}})
            if score is not None:
                ElementTree.SubElement(box, "attribute", name="score").text = str(round(100 * score))
    ElementTree.indent(root)
    (folder / "annotations.xml").write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
    score_attribute = {"name": "score", "input_type": "number", "mutable": False, "values": ["0", "100", "1"]}
    task = [{"name": name, "attributes": [score_attribute]} for name in labels]
    (folder / "labels.json").write_text(json.dumps(task, ensure_ascii=False, indent=1), encoding="utf-8")
    return (
        f"make a task with {out}/labels.json as its raw labels and {out}/images; then upload "
        f"{out}/annotations.xml as 'CVAT 1.1'"
    )
