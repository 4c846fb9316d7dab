"""Writes the golden data that the wrappers in every language are tested with: models, images and detections."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from convert.contract import raw_twin
from runtime.common.command import run as run_command
from runtime.common.errors import KitError
from runtime.common.files import atomic_path, write_text
from runtime.common.values import Detection, Labels
from runtime.inference.detector import Detector
from runtime.model import output_order
from runtime.model.metadata import Metadata
from runtime.model.raw_head import RawHead
from runtime.model.tflite import Model
from tests.support import golden_cases
from tests.support.golden_cases import sha256
from tests.support.paths import ROOT
from train.sample_data import generation, scenes

FOLDER = ROOT / "tests" / "golden"
NAME = "golden.json"

# The score threshold of the detections.
SCORE = 76.5 / 256
# Largest allowed differences, in pixels and in score, where a wrapper does not run the same kernels.
BOX_TOLERANCE, SCORE_TOLERANCE = 0.5, 1e-3
# The same for an int8 file: what follows its int8 operations is float32, whose exp() libraries round differently.
INT8_BOX_TOLERANCE, INT8_SCORE_TOLERANCE = 1e-3, 1e-6

# The warm start was trained on other seeds, which its README lists.
_SEED = 2026
_CALIBRATION_IMAGES = 100


@dataclass(frozen=True)
class _Drawn:
    name: str
    index: int
    width: int
    height: int


# Odd sides, a portrait, a tiny image, and one of the input's size.
_IMAGES = (
    _Drawn("odd", 1001, 397, 301),
    _Drawn("portrait", 1006, 239, 426),
    _Drawn("wide", 1003, 601, 338),
    _Drawn("square", 1004, 320, 320),
    _Drawn("tiny", 1005, 67, 64),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.make_golden", description=__doc__)
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=FOLDER, help="folder to write to (default: tests/golden)"
    )
    parser.add_argument(
        "--keep-models", action="store_true", help="keep the .tflite files in DIR and write the rest anew"
    )
    arguments = parser.parse_args(argv)
    make(arguments.out, keep_models=arguments.keep_models, say=lambda line: print(line, file=sys.stderr, flush=True))
    return 0


def make(out: Path, *, keep_models: bool = False, say: Callable[[str], None] = print) -> None:
    """Writes the models, the images and, last, `golden.json` into the folder `out`.

    The models are the warm start, converted as by `python -m convert`, and small ones with weights set by hand; the
    images are drawn by `train.generate` from a seed that nothing was trained on. The same versions on the same kind
    of processor give the same bytes. Raises KitError where an image does not allow a comparison.
    """
    out.mkdir(parents=True, exist_ok=True)
    if not keep_models:
        _write_models(out, say)
    models = sorted(out.glob("*.tflite"))
    if not models:
        raise KitError(f"{out}: no .tflite files to keep; leave --keep-models out")
    images = {}
    for drawn in _IMAGES:
        bgr, _ = generation.draw_image(drawn.index, _SEED, (drawn.width, drawn.height))
        images[f"{drawn.name}.ppm"] = bgr
        _write_ppm(out / f"{drawn.name}.ppm", bgr)
    content = {
        "score": SCORE,
        "box_tolerance": BOX_TOLERANCE,
        "score_tolerance": SCORE_TOLERANCE,
        "int8_box_tolerance": INT8_BOX_TOLERANCE,
        "int8_score_tolerance": INT8_SCORE_TOLERANCE,
        "pictures": [_image(name, bgr) for name, bgr in images.items()],
        "models": [_model(path, images) for path in models],
        "resize": list(golden_cases.resize_cases()),
        "yuv": list(golden_cases.yuv_cases()),
    }
    write_text(out / NAME, json.dumps(content, indent=1) + "\n")
    for model in content["models"]:
        found = ", ".join(f"{len(result['detections'])} in {result['picture']}" for result in model["results"])
        say(f"{out / model['file']}: {found}")


def found_in(path: Path, bgr: np.ndarray) -> dict[str, Any]:
    """The entry of golden.json for one model and one image: input hash, raw outputs, detections."""
    detector = Detector(path, score=SCORE, engine="plain", threads=1)
    tensor = detector.preprocess(bgr)
    raw = detector.invoke(tensor)
    height, width = bgr.shape[:2]
    return {
        "input_sha256": sha256(tensor),
        "raw": _raw(path, raw),
        "detections": [_detection(found) for found in detector.postprocess(raw, width, height)],
    }


def _write_models(out: Path, say: Callable[[str], None]) -> None:
    from convert.export.export import Options, export, source_of_checkpoint

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generation.draw_dataset(folder / "data", images=_CALIBRATION_IMAGES, seed=_SEED)
        images = folder / "data" / "JPEGImages"
        source = source_of_checkpoint(ROOT / "train" / "warm_start", 320, Labels(scenes.LABELS), images)
        for file in export(source, folder / "export", Options(fp16=True, int8=True), say=say):
            _write(out / file.path.name, file.path.read_bytes())
        # A float twin would test nothing that the other files do not.
        whole = (out / "detector_int8.tflite").read_bytes()
        _write(out / "detector_int8_raw.tflite", raw_twin.twin(whole, labels=source.labels))
    _write_small_models(out)


def _write_small_models(out: Path) -> None:
    """Those with weights set by hand: what the trained network is not, in some kilobytes."""
    from convert.contract.contract import finish
    from tests.support import small_detector

    for name, variant in (("rectangle", small_detector.RECTANGLE), ("points", small_detector.POINTS)):
        _, int8 = small_detector.build_built_in(variant)
        whole = finish(int8, labels=small_detector.LABELS)
        _write(out / f"{name}_int8_raw.tflite", raw_twin.twin(whole, labels=small_detector.LABELS))
        if not variant.bins:
            _write(out / f"{name}_int8.tflite", whole)


def _write(path: Path, data: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def _write_ppm(path: Path, bgr: np.ndarray) -> None:
    """Writes a binary PPM, raw RGB after a header, which every language reads in a few lines."""
    height, width = bgr.shape[:2]
    _write(path, b"P6\n%d %d\n255\n" % (width, height) + cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).tobytes())


def _image(name: str, bgr: np.ndarray) -> dict[str, Any]:
    height, width = bgr.shape[:2]
    return {
        "file": name, "width": width, "height": height,
        "rgb_sha256": sha256(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)),
    }  # fmt: skip


def _model(path: Path, images: dict[str, np.ndarray]) -> dict[str, Any]:
    model = Model.read(path)
    port = model.main.tensors[model.main.inputs[0]]
    results = [{"picture": name, **found_in(path, bgr)} for name, bgr in images.items()]
    for result in results:
        _check(path, port.type, result)
    return {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "labels": list(Detector(path).labels),
        "input": {"name": port.name, "type": port.type, "shape": list(port.shape)},
        "results": results,
    }


def _raw(path: Path, raw: Sequence[np.ndarray]) -> dict[str, Any]:
    model = Model.read(path)
    if RawHead.of(model, Metadata.of(model)):
        # 12,804 anchors are too many to write down.
        return {"sha256": [sha256(array) for array in raw]}
    order = output_order.find(model, Metadata.of(model), [array.shape for array in raw])
    if order is None:
        raise KitError(f"{path}: the order of its outputs cannot be determined")
    count = round(float(raw[order.count].reshape(-1)[0]))
    # The operation does not write the entries behind the last detection.
    return {
        "order": [name for _, name in sorted((getattr(order, role), role) for role in output_order.ROLES)],
        "count": count,
        "boxes": raw[order.boxes][0, :count].tolist(),
        "classes": raw[order.classes][0, :count].tolist(),
        "scores": raw[order.scores][0, :count].tolist(),
    }


def _detection(found: Detection) -> dict[str, Any]:
    return {"label": found.label, "class": found.class_id, "score": found.score, "box": list(found.box.as_tuple())}


def _check(path: Path, kind: str, result: dict[str, Any]) -> None:
    """Raises KitError where an allowed difference could change the list of detections."""
    where = f"{path}: in {result['picture']}"
    if not result["detections"]:
        raise KitError(f"{where} it finds nothing; draw another image")
    everything = result["raw"].get("scores") or [found["score"] for found in result["detections"]]
    scores = [score for score in everything if score >= SCORE - SCORE_TOLERANCE]
    near = [(score, SCORE) for score in scores if abs(score - SCORE) <= SCORE_TOLERANCE]
    if kind == "float32":
        # The scores of a quantized file belong to 256 logits: equal, or apart, and in the order of the raw output.
        near += [pair for pair in zip(scores[:-1], scores[1:]) if pair[0] - pair[1] <= 2 * SCORE_TOLERANCE]
    if near:
        raise KitError(f"{where} scores {near[0][0]} and {near[0][1]} are too near to compare; draw another image")


if __name__ == "__main__":
    run_command(main)
