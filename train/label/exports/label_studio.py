"""Label Studio's tasks (https://labelstud.io/guide/predictions): proposals are predictions, boxes of people annotations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional
from xml.etree import ElementTree

from runtime.common.values import Labels
from train.dataset.examples.example import LabelledBox
from train.label.proposals import ProposedImage

_IMAGE, _CONTROL = "image", "label"


def write(images: Sequence[ProposedImage], labels: Labels, folder: Path, out: str) -> str:
    """`tasks.json`, and `config.xml`, the labelling interface of the project."""
    tasks = [_task(image, out) for image in images]
    (folder / "tasks.json").write_text(json.dumps(tasks, ensure_ascii=False, indent=1), encoding="utf-8")
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Image", name=_IMAGE, value=f"${_IMAGE}")
    control = ElementTree.SubElement(view, "RectangleLabels", name=_CONTROL, toName=_IMAGE)
    for name in labels:
        ElementTree.SubElement(control, "Label", value=name)
    ElementTree.indent(view)
    (folder / "config.xml").write_text(ElementTree.tostring(view, encoding="unicode"), encoding="utf-8")
    return (
        "start Label Studio with LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT set to "
        f"the folder that holds {out}; add {out}/images as local storage, {out}/config.xml as the "
        f"labelling interface, and import {out}/tasks.json"
    )


def _task(image: ProposedImage, folder: str) -> dict[str, Any]:
    results = [_result(image, number, item, score) for number, (item, score) in enumerate(image.shown)]
    task: dict[str, Any] = {"data": {_IMAGE: f"/data/local-files/?d={folder}/images/{image.name}"}}
    if image.boxes is not None:
        return {**task, "annotations": [{"result": results}]}
    scores = [item.score for item in image.detections]
    mean = sum(scores) / len(scores) if scores else 0.0
    return {**task, "predictions": [{"model_version": "edge-detection-kit", "score": round(mean, 4), "result": results}]}


def _result(image: ProposedImage, number: int, item: LabelledBox, score: Optional[float]) -> dict[str, Any]:
    """A region; its sides are percents of the image."""
    box = item.box
    value = {
        "x": 100 * box.xmin / image.width, "y": 100 * box.ymin / image.height,
        "width": 100 * box.width / image.width, "height": 100 * box.height / image.height,
        "rotation": 0, "rectanglelabels": [item.label],
    }  # fmt: skip
    return {
        "id": f"box{number}", "type": "rectanglelabels", "from_name": _CONTROL, "to_name": _IMAGE,
        "original_width": image.width, "original_height": image.height, "image_rotation": 0, "value": value,
        **({} if score is None else {"score": round(score, 4)}),
    }  # fmt: skip
