"""Expected results for the wrappers for phones: what Python gives for models that are not in the repository.

The tests in Kotlin and Swift read `cases.json`. It has one entry for each model and image, with the same keys as
`tests/golden/golden.json` where both have the value.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from convert.contract import raw_twin
from convert.contract.contract import finish
from convert.file.metadata import ModelInfo
from runtime.common.opencv import cv2
from runtime.inference.detector import Detector
from runtime.media import images
from tests.support import make_golden, phone_decodings, small_detector, tensorflow_lite_c
from tests.support.golden_cases import sha256
from tests.support.paths import GOLDEN, ROOT

SHARED_MODEL = "coco_ssd_mobilenet_v1_quant.tflite"
SCORE = 0.3
# The IoU for all classes in the cases of that option, and the threshold that is written into files.
AGNOSTIC_IOU = 0.3
FILE_SCORE = 0.4375
Case = dict[str, object]
Tolerances = tuple[float, float]
# Of boxes in pixels and of scores. The custom operation and heads of version 1 after it round as Python does.
EXACT: Tolerances = (0.0, 0.0)
INT8: Tolerances = (make_golden.INT8_BOX_TOLERANCE, make_golden.INT8_SCORE_TOLERANCE)
FLOAT: Tolerances = (make_golden.BOX_TOLERANCE, make_golden.SCORE_TOLERANCE)


def write_cases(folder: Path, cases: Sequence[Case], library: Path) -> None:
    """Writes `cases.json` and `decodings.json` to `folder`, and the models in `library` that are not detectors."""
    phone_decodings.write(folder)
    shutil.copytree(library / tensorflow_lite_c.CLASSIFIERS, folder / "classifiers")
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")


def all_cases(detector: small_detector.SmallDetector, folder: Path) -> list[Case]:
    """Everything that Python expects of the wrappers; the models and images are written to `folder`."""
    third_party = third_party_cases(ROOT.parent / "shared", folder)
    return twin_cases(folder) + option_cases(folder) + small_cases(detector, folder) + third_party


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
    cases = [case(detector, model, folder, path, EXACT) for path in paths]
    assert any(entry["detections"] for entry in cases)
    return cases


def twin_cases(folder: Path) -> list[Case]:
    """Python's results for the golden float detector's raw twin, which has no post-processing."""
    model = GOLDEN / "detector_fp16.tflite"
    twin = folder / "detector_fp16_raw.tflite"
    twin.write_bytes(raw_twin.twin(model.read_bytes(), labels=Detector(model, engine="plain").labels))
    detector = Detector(twin, score=SCORE, engine="plain")
    return [case(detector, twin, folder, image, FLOAT) for image in sorted(GOLDEN.glob("*.ppm"))]


def option_cases(folder: Path) -> list[Case]:
    """Python's results for the golden int8 files with each option of what is given, at a low threshold."""
    cases: list[Case] = []
    counts: set[int] = set()
    for name in ("detector_int8.tflite", "detector_int8_raw.tflite"):
        model = folder / name
        shutil.copy(GOLDEN / name, model)
        for all_labels, agnostic in ((False, None), (True, None), (False, AGNOSTIC_IOU), (True, AGNOSTIC_IOU)):
            detector = Detector(model, score=0.05, engine="plain", all_labels=all_labels, agnostic=agnostic)
            made = [case(detector, model, folder, image, INT8) for image in sorted(GOLDEN.glob("*.ppm"))]
            options = {"all_labels": all_labels, "agnostic_iou": agnostic}
            cases += [{**one, **options, "name": f"{one['name']} {options}"} for one in made]
            counts.add(sum(len(one["detections"]) for one in made))
    assert len(counts) == 3, "each option must change something; with the IoU, equal boxes go anyway"
    return cases


def class_score_cases(folder: Path) -> list[Case]:
    """Python's results for the golden int8 files where classes have thresholds of their own, in the key `scores`."""
    cases: list[Case] = []
    counts: list[set[int]] = [set(), set()]
    for number, name in enumerate(("detector_int8.tflite", "detector_int8_raw.tflite")):
        model = folder / name
        shutil.copy(GOLDEN / name, model)
        first, second = Detector(model, engine="plain").labels.names[:2]
        for scores in ({}, {first: 0.9}, {first: 0.05, second: 0.1}):
            detector = Detector(model, score=0.2, scores=scores, engine="plain")
            made = [case(detector, model, folder, image, INT8) for image in sorted(GOLDEN.glob("*.ppm"))]
            cases += [{**one, "scores": scores, "name": f"{one['name']} {scores}"} for one in made]
            counts[number].add(sum(len(one["detections"]) for one in made))
    assert all(len(some) == 3 for some in counts), "the thresholds must change something"
    return cases


def small_cases(detector: small_detector.SmallDetector, folder: Path) -> list[Case]:
    """Python's results for a detector with the custom operation, and for its twins with raw heads of version 1."""
    images_of = [folder / f"small{seed}.ppm" for seed in range(4)]
    for seed, path in enumerate(images_of):
        cv2.imwrite(str(path), cv2.cvtColor(small_detector.image(seed), cv2.COLOR_RGB2BGR))
    cases: list[Case] = []
    for kind, raw in (("fp16", detector.raw_fp16), ("int8", detector.raw_int8)):
        whole = finish(raw, labels=detector.labels, info=ModelInfo(score_threshold=FILE_SCORE))
        twin = raw_twin.twin(whole, labels=detector.labels, score_threshold=FILE_SCORE)
        for name, data in ((f"small_{kind}.tflite", whole), (f"small_{kind}_raw.tflite", twin)):
            model = folder / name
            model.write_bytes(data)
            tolerances = EXACT if kind == "int8" else FLOAT
            loaded = Detector(model, score=SCORE, engine="plain")
            cases += [case(loaded, model, folder, path, tolerances) for path in images_of]
    return cases


def case(detector: Detector, model: Path, folder: Path, image: Path, tolerances: Tolerances) -> Case:
    """Python's results for one model and one image, which is written to `folder` as raw RGB bytes.

    `tolerances` are how far the wrapper's boxes, in pixels, and scores may be from these.
    """
    rgb = cv2.cvtColor(images.read(image), cv2.COLOR_BGR2RGB)
    (folder / f"{image.name}.rgb").write_bytes(rgb.tobytes())
    height, width = rgb.shape[:2]
    box, score = tolerances
    tensor = detector.preprocess(rgb, "RGB")
    detections = detector.postprocess(detector.invoke(tensor), width, height)
    return {
        "name": f"{model.name} {image.name}", "file": model.name, "image": f"{image.name}.rgb", "width": width, "height": height, "score": detector.score,
        "default_score": Detector(model, engine="plain").score, "all_labels": False, "agnostic_iou": None,
        "box_tolerance": box, "score_tolerance": score, "input_sha256": sha256(tensor),
        "detections": [
            {"label": one.label, "class": one.class_id, "score": one.score, "box": one.box.as_tuple()}
            for one in detections
        ],
    }  # fmt: skip
