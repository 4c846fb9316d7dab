"""The self-test of a model: compares its detections on this machine with those of the machine where it was made.

A golden is a folder with `golden.json` and the images that it names. The kit ships one with a small detector, to test
the machine itself; a published release has its own (`make`), which the updater uses.

    result = selftest.run(selftest.MODEL, selftest.GOLDEN)
    if not result.passed:
        print(result.differences)

Processors round int8 differently, so scores are compared with a tolerance. On one x86 machine the scores of XNNPACK
and of TFLite's plain kernels differ by up to 0.09 (tests/golden/README.md); those of XNNPACK on 64-bit ARM (emulated)
and on x86 differ by about 0.012. SCORE_TOLERANCE is a little more than both together.

The self-test shows whether a detector works. It is no checksum: it does not notice a change that leaves the
detections in its images as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, List, Sequence, Tuple, Union

import numpy as np

from runtime.common.errors import InputError, KitError
from runtime.common.files import write_text
from runtime.common.values import Box, Detection
from runtime.inference import preprocessing
from runtime.inference.detector import Detector
from runtime.inference.engines import AUTO, Request, is_compiled
from runtime.inference.interpreter import Interpreter, Runner
from runtime.inference.process.engine import EngineProcess
from runtime.media import images
from runtime.model.tflite import Model

PathLike = Union[str, "os.PathLike[str]"]

NAME = "golden.json"
VERSION = 1

GOLDEN = Path(__file__).resolve().parent / "golden"
MODEL = GOLDEN / "detector_int8.tflite"

SCORE_TOLERANCE = 0.12
# How far a side of a box may lie from the expected one: a share of the longer side of the image, which has the size of the
# model's input, and a share of the longer side of the box. int8 outputs are rounded by the former, and what is
# multiplied by an anchor's size by the latter. In 385 boxes of YOLOv5n (int8, 640) XNNPACK and the plain kernels differ
# by up to 2.9 pixels where a box is smaller than 32 pixels, by 5.7, 8.6 and 14.3 up to 64, 128 and 320, and by 20.1 beyond.
IMAGE_SHARE = 0.01
BOX_SHARE = 0.06
# A share of the box that is never exceeded: farther away it is another object.
MOST_SHARE = 0.5

# The least score of expected detections on the machine where the golden was made.
SCORE = 0.4


@dataclass(frozen=True)
class Expected:
    """One image of a golden, and its expected detections, highest score first."""

    image: Path
    detections: Tuple[Detection, ...]


@dataclass(frozen=True)
class Golden:
    """The detections that are expected of a model.

    `score` is the least score of the expected detections. `score_tolerance` is the largest difference of a score. That of
    each side of a box is the sum of two shares: `image_share` of the longer side of the image, and `box_share` of that of
    the box. It is at least `least_tolerance` pixels, which older kits wrote instead.
    """

    score: float
    score_tolerance: float
    image_share: float
    box_share: float
    images: Tuple[Expected, ...]
    least_tolerance: float = 0.0

    def box_tolerance(self, box: Box, side: float) -> float:
        """The largest difference of each side of `box`, in pixels; `side` is the longer side of the image."""
        own = max(box.width, box.height)
        return max(min(self.image_share * side + self.box_share * own, MOST_SHARE * own), self.least_tolerance)


@dataclass(frozen=True)
class SelfTest:
    """The result of a self-test.

    `differences` has a line for each difference from the golden; it is empty where the test passed. `milliseconds` is
    the time of the fastest inference, `what` the engine that ran the model and `package` the package that it is of.
    """

    passed: bool
    differences: Tuple[str, ...]
    milliseconds: float
    what: str
    package: str
    notes: Tuple[str, ...] = ()


def run(
    model: PathLike,
    golden: PathLike,
    *,
    engine: str = AUTO,
    device: str = "",
    threads: int = 2,
    fallback: bool = False,
    hang: float = 0.0,
) -> SelfTest:
    """Runs `model` on the images of the folder `golden`, and compares the detections.

    `engine`, `device`, `threads` and `fallback` are those of `runtime.inference.engines.Request`. With `hang`, the
    model runs in a process of its own, which is ended when an image takes more than `hang` seconds, so that an engine
    that hangs or crashes raises KitError (not on Windows). Raises InputError where a file is missing, damaged or no
    detector, KitError where no engine works. Wrong detections raise nothing; they are in the result.
    """
    wanted = read(golden)
    runner = _runner(model, Request(engine, device, threads, fallback), hang)
    try:
        detector = Detector(model, score=max(wanted.score - wanted.score_tolerance, 0.0), runner=runner)
        differences: List[str] = []
        times = []
        for expected in wanted.images:
            image = images.read(expected.image)
            tensor = detector.preprocess(image)
            start = time.perf_counter()
            raw = detector.invoke(tensor)
            times.append(1000 * (time.perf_counter() - start))
            found = detector.postprocess(raw, image.shape[1], image.shape[0])
            differences += [f"{expected.image.name}: {line}" for line in compare(expected.detections, found, wanted, side(image))]
    finally:
        if isinstance(runner, EngineProcess):
            runner.close()
    return SelfTest(not differences, tuple(differences), min(times), runner.what, runner.package, tuple(runner.notes))


def side(image: np.ndarray) -> int:
    """The longer side of an image [height, width, channels], in pixels."""
    return int(max(image.shape[:2]))


def compare(expected: Sequence[Detection], found: Sequence[Detection], golden: Golden, side: float) -> List[str]:
    """The differences between the expected and the found detections of one image, a line each.

    `side` is the longer side of the image in pixels. Each expected detection needs one of its class whose box and score are within the tolerances. Other detections may
    have at most the golden's least score plus the tolerance.
    """
    left = list(found)
    lines = []
    for one in expected:
        alike = (item for item in left if item.class_id == one.class_id)
        near = [item for item in alike if _distance(item, one) <= golden.box_tolerance(one.box, side)]
        best = min(near, key=lambda item: abs(item.score - one.score), default=None)
        if best is None:
            lines.append(f"did not find {_text_of(one)}")
            continue
        left.remove(best)
        if abs(best.score - one.score) > golden.score_tolerance:
            lines.append(f"found {_text_of(one)} with a score of {best.score:.2f}")
        elif best.label != one.label:
            lines.append(f"calls {_text_of(one)} {best.label}")
    lines += [f"found {_text_of(item)} besides" for item in left if item.score >= golden.score + golden.score_tolerance]
    return lines


class Reference:
    """The detections of a model with TFLite's plain kernels, and the differences of this machine's usual engine.

    The plain kernels round alike on every machine. For a file that only an accelerator runs, both are those of the
    accelerator.
    """

    def __init__(self, model: PathLike, score: float = SCORE) -> None:
        """Loads the model. Raises InputError where it is no detector, KitError where no engine works."""
        if is_compiled(Model.read(model)):
            # A chip cannot be opened twice.
            self._plain = self._usual = Detector(model, score=score)
        else:
            self._plain = Detector(model, engine="plain", score=score)
            self._usual = Detector(model, score=max(score - SCORE_TOLERANCE, 0.0))
        self._terms = Golden(score, SCORE_TOLERANCE, IMAGE_SHARE, BOX_SHARE, ())

    @property
    def side(self) -> int:
        """The longer side of the model's input, in pixels."""
        size = self._plain.size
        return size if isinstance(size, int) else max(size)

    def image(self, source: PathLike) -> np.ndarray:
        """Reads an image and resizes it to the model's input: BGR, uint8, [height, width, 3].

        The golden holds resized images, since builds of OpenCV resize differently.
        """
        return preprocessing.resize(images.read(source), self._plain.size)[..., ::-1].copy()

    def expected(self, image: np.ndarray) -> Tuple[Detection, ...]:
        """The detections in an image with the plain kernels."""
        return self._plain(image)

    def differences(self, image: np.ndarray, expected: Sequence[Detection]) -> List[str]:
        """The differences of the usual engine from the `expected` detections, a line each.

        Where boxes of one class overlap, rounding decides which of them is kept. With such an image, devices that
        work would fail the self-test.
        """
        return compare(expected, self._usual(image), self._terms, side(image))


def make(model: PathLike, sources: Iterable[PathLike], folder: PathLike, *, score: float = SCORE) -> Golden:
    """Writes a golden for `model` with the images at `sources` into `folder`, and returns it.

    The expected detections are those of `Reference`. Raises InputError for an image without detections, which would
    test nothing; KitError where this machine's usual engine does not pass the new self-test.
    """
    reference = Reference(model, score)
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for number, source in enumerate(sources):
        bgr = reference.image(source)
        found = reference.expected(bgr)
        if not found:
            raise InputError(f"{source}: nothing is found in it with a score of {score:g}; take another image")
        # A name by its content: devices take no other characters, and the golden of another input size may lie beside it.
        image = out / f"{number:02d}_{hashlib.sha256(repr(bgr.shape).encode() + bgr.tobytes()).hexdigest()[:8]}.png"
        images.write(image, bgr)
        made.append(Expected(image, found))
    if not made:
        raise InputError(f"{folder}: a golden needs at least one image")
    golden = Golden(score, SCORE_TOLERANCE, IMAGE_SHARE, BOX_SHARE, tuple(made))
    write_text(out / NAME, _text(golden, reference.side))
    result = run(model, out)
    if not result.passed:
        raise KitError(
            f"{folder}: {result.what} does not find the same as TFLite's plain kernels: "
            f"{'; '.join(result.differences)}; take other images, or a higher score"
        )
    return golden


def read(folder: PathLike) -> Golden:
    """Reads the golden in `folder`. Raises InputError where it is missing or invalid."""
    path = Path(folder) / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; a golden is a folder with {NAME} and its images") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    try:
        if content["version"] != VERSION:
            raise InputError(f"{path}: is of version {content['version']}, this kit reads {VERSION}")
        listed = tuple(_expected(Path(folder), entry) for entry in content["pictures"])
        shares = content.get("box_shares")
        golden = Golden(
            float(content["score"]),
            float(content["score_tolerance"]),
            float(shares["image"]) if shares else IMAGE_SHARE,
            float(shares["box"]) if shares else BOX_SHARE,
            listed,
            0.0 if shares else float(content["box_tolerance"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: is no golden: {type(error).__name__} at {error}") from error
    if not golden.images or not all(expected.detections for expected in golden.images):
        raise InputError(f"{path}: expects no detections, so that it would test nothing")
    return golden


def _runner(model: PathLike, request: Request, hang: float) -> Runner:
    if not hang or os.name != "posix":
        return Interpreter(model, request)
    process = EngineProcess(model, request, hang)
    try:
        process.wait_until_ready()
    except BaseException:
        process.close()
        raise
    return process


def _expected(folder: Path, entry: Dict[str, Any]) -> Expected:
    name = entry["file"]
    # The golden may come from a network, and must not lead to other folders.
    if not isinstance(name, str) or Path(name).name != name or not images.is_image(name):
        raise ValueError(f"file {name!r}, which is no image beside it")
    return Expected(folder / name, tuple(_detection(found) for found in entry["detections"]))


def _detection(found: Dict[str, Any]) -> Detection:
    box = Box(*(float(side) for side in found["box"]))
    return Detection(str(found["label"]), int(found["class"]), float(found["score"]), box)


def _text(golden: Golden, side: int) -> str:
    """The content of `golden.json`; `side` is the longer side of the images."""
    boxes = [found.box for expected in golden.images for found in expected.detections]
    content = {
        "version": VERSION,
        "score": golden.score,
        "score_tolerance": golden.score_tolerance,
        "box_shares": {"image": golden.image_share, "box": golden.box_share},
        # For older kits, which have one tolerance for all boxes.
        "box_tolerance": round(max(golden.box_tolerance(box, side) for box in boxes), 2),
        "pictures": [
            {"file": expected.image.name, "detections": [_entry(found) for found in expected.detections]}
            for expected in golden.images
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _entry(found: Detection) -> Dict[str, Any]:
    box = [round(side, 2) for side in found.box.as_tuple()]
    return {"label": found.label, "class": found.class_id, "score": round(found.score, 4), "box": box}


def _distance(one: Detection, other: Detection) -> float:
    """The largest difference of a side of two boxes, in pixels."""
    return max(abs(a - b) for a, b in zip(one.box.as_tuple(), other.box.as_tuple()))


def _text_of(found: Detection) -> str:
    sides = ", ".join(f"{side:.0f}" for side in found.box.as_tuple())
    return f"{found.label} ({found.score:.2f}) at {sides}"
