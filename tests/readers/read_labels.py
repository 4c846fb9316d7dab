"""Reads what `train.label` has written with the importers of Datumaro and the checks of Label Studio's SDK.

    python read_labels.py OUT.json FORMAT=FOLDER...

Writes {FORMAT: {stem of an image: [[class, [xmin, ymin, width, height]], ...]}}, for Label Studio a list of complaints.
"""

import json
import sys
from pathlib import Path

from datumaro import AnnotationType, Dataset
from label_studio_sdk.label_interface import LabelInterface


def boxes(kind, folder):
    """The boxes that Datumaro reads."""
    data = Dataset.import_from(folder, kind)
    names = [label.name for label in data.categories()[AnnotationType.label]]
    return {
        Path(item.id).name: [
            [names[shape.label], list(shape.get_bbox())]
            for shape in item.annotations
            if shape.type == AnnotationType.bbox
        ]
        for item in data
    }


def complaints(folder):
    """What Label Studio's SDK finds wrong in the predictions, by the interface that was written with them."""
    interface = LabelInterface(Path(folder, "config.xml").read_text(encoding="utf-8"))
    interface.validate()
    tasks = json.loads(Path(folder, "tasks.json").read_text(encoding="utf-8"))
    return [
        wrong
        for task in tasks
        for prediction in task["predictions"]
        for wrong in interface.validate_prediction(prediction, return_errors=True)
    ]


def main():
    """Reads each folder."""
    out, *given = sys.argv[1:]
    read = {}
    for kind, _, folder in (word.partition("=") for word in given):
        read[kind] = complaints(folder) if kind == "label_studio" else boxes(kind, folder)
    Path(out).write_text(json.dumps(read))


main()
