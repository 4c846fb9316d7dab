"""Expected results for the wrappers for phones: what Python gives for models that are not in the repository.

The tests in Kotlin and Swift read `cases.json`. It has one entry for each model and image, with the same keys as
`tests/golden/golden.json` where both have the value.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from runtime.common.opencv import cv2
from runtime.inference.detector import Detector
from runtime.media import images
from tests.support import tensorflow_lite_c
from tests.support.golden_cases import sha256

SHARED_MODEL = "coco_ssd_mobilenet_v1_quant.tflite"
SCORE = 0.3
Case = dict[str, object]


def write_cases(folder: Path, cases: Sequence[Case], library: Path) -> None:
    """Writes `cases.json` to `folder`, and the models in `library` that are not detectors."""
    shutil.copytree(library / tensorflow_lite_c.CLASSIFIERS, folder / "classifiers")
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")


def third_party_cases(shared: Path, folder: Path) -> list[Case]:
    """Python's results for a third-party detector in `shared`; none if that is not there.

    The model and its images are written to `folder`.
    """
    model = shared / "models" / SHARED_MODEL
    if not model.is_file():
        return []
    shutil.copy(model, folder)
    detector = Detector(model, score=SCORE, engine="plain")
    paths = sorted(path for path in (shared / "images").iterdir() if images.is_image(path))
    cases = [case(detector, model, folder, path, exact=True) for path in paths]
    assert any(entry["detections"] for entry in cases)
    return cases


def case(detector: Detector, model: Path, folder: Path, image: Path, *, exact: bool) -> Case:
    """Python's results for one model and one image, which is written to `folder` as raw RGB bytes.

    `exact` is whether the wrapper must give the same scores and boxes to the last bit.
    """
    rgb = cv2.cvtColor(images.read(image), cv2.COLOR_BGR2RGB)
    (folder / f"{image.name}.rgb").write_bytes(rgb.tobytes())
    height, width = rgb.shape[:2]
    tensor = detector.preprocess(rgb, "RGB")
    detections = detector.postprocess(detector.invoke(tensor), width, height)
    return {
        "file": model.name, "image": f"{image.name}.rgb", "width": width, "height": height, "score": SCORE,
        "exact": exact, "input_sha256": sha256(tensor),
        "detections": [
            {"label": one.label, "class": one.class_id, "score": one.score, "box": one.box.as_tuple()}
            for one in detections
        ],
    }  # fmt: skip
