"""found.py FOLDER ENGINE MODEL...: what the models of a folder of golden files find in its images.

Runs on the board, with nothing but the kit. Prints JSON: `{model: {"xnnpack": bool, image: [detection, ...]}}`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from runtime.inference.detector import Detector
from runtime.media import images

# Under the golden files' own threshold, so that a score just under it is seen to be one.
MARGIN = 0.1


def main(folder: str, engine: str, *models: str) -> None:
    content = json.loads(Path(folder, "golden.json").read_text(encoding="utf-8"))
    result = {}
    for model in models:
        detector = Detector(Path(folder, model), engine=engine, score=content["score"] - MARGIN)
        # What XNNPACK has taken over shows as one operation, beside those that it has replaced.
        operations = {entry["op_name"] for entry in detector.runner._native._get_ops_details()}
        found = {"xnnpack": "DELEGATE" in operations}
        for image in content["pictures"]:
            detections = detector(images.read(Path(folder, image["file"])))
            found[image["file"]] = [
                {"label": item.label, "class": item.class_id, "score": item.score, "box": item.box.as_tuple()}
                for item in detections
            ]
        result[model] = found
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
