"""What the scripts of this folder share: arguments, images and the form of the results.

The scripts run in environments of their own, without the kit, so that this file needs NumPy only.
"""

import json
import sys

import numpy as np


def detections(result):
    """The `detections` of a Tasks or Task Library result as a list of {label, score, box}.

    Boxes are [ymin, xmin, ymax, xmax] in pixels. A detection of several categories is one for each here, the highest
    score first.
    """
    found = []
    for detection in result.detections:
        box = detection.bounding_box
        top, left = box.origin_y, box.origin_x
        corners = [top, left, top + box.height, left + box.width]
        rows = [(item.category_name, item.score) for item in detection.categories]
        found += [{"label": label, "score": score, "box": corners} for label, score in rows]
    return sorted(found, key=lambda item: -item["score"])


def main(read):
    """Writes {model: read(model, images)} as JSON; for a model that is refused, {model: "the reason"}.

    The command line is OUT.json IMAGES.npz MODEL...; `images` are uint8 RGB [height, width, 3].
    """
    out, archive, *models = sys.argv[1:]
    with np.load(archive) as loaded:
        images = [np.ascontiguousarray(loaded[name]) for name in sorted(loaded)]
    results = {}
    for model in models:
        try:
            results[model] = read(model, images)
        except ValueError as error:
            results[model] = str(error)
    with open(out, "w") as file:
        json.dump(results, file)
