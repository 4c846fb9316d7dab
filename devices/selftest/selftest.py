"""Does a model find on this machine what it found where it was made? Images with their expected detections.

A golden is a folder with `golden.json` and the images that it names. The kit ships one with a small
detector, for the machine itself; a published model travels with its own (`make`), for the update.

    result = selftest.run(selftest.MODEL, selftest.GOLDEN)
    if not result.passed:
        print(result.differences)

Processors round int8 differently, so that scores are compared within a tolerance: XNNPACK's and
TFLite's plain kernels lie up to 0.09 apart on one x86 (tests/golden/README.md), XNNPACK's on 64-bit
ARM (emulated) and on x86 about 0.012. SCORE_TOLERANCE is a little more than both together.

It tells a detector that works from one that does not; it is no checksum, and does not see a change
that leaves its images' detections as they are.
"""

from __future__ import annotations

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

PathLike = Union[str, os.PathLike]

NAME = "golden.json"
VERSION = 1

GOLDEN = Path(__file__).resolve().parent / "golden"
MODEL = GOLDEN / "detector_int8.tflite"

SCORE_TOLERANCE = 0.12
# Pixels of the golden's images, which have the size of the model's input. In the shipped one,
# XNNPACK's kernels and the plain ones lie 0.5 apart, 1.3 where the score is low.
BOX_TOLERANCE = 6.0

# What is expected has at least this score where it was made.
SCORE = 0.4


@dataclass(frozen=True)
class Expected:
    """One image of a golden, and what is found in it, highest score first."""

    image: Path
    detections: Tuple[Detection, ...]


@dataclass(frozen=True)
class Golden:
    """What a model finds. `score` is the least score of `detections`; the tolerances are those of a
    score, and of each side of a box in pixels of the image.
    """

    score: float
    score_tolerance: float
    box_tolerance: float
    images: Tuple[Expected, ...]


@dataclass(frozen=True)
class SelfTest:
    """How a self-test went.

    `differences` has a line for each thing that is not as expected: empty where it passed.
    `milliseconds` are those of the fastest image inside the model, `what` and `package` what ran it.
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
    """Runs `model` on the images of the folder `golden`, and compares.

    `engine`, `device`, `threads` and `fallback` are those of `runtime.inference.engines.Request`. With `hang`,
    the model runs in a process of its own, which is ended when an image takes more than so many
    seconds; an engine that hangs or crashes is then an error like others (not on Windows). Raises
    InputError where a file is missing, damaged or no detector, KitError where no engine works, hangs
    or crashes. A wrong answer is no error but a `SelfTest` that did not pass.
    """
    told = read(golden)
    runner = _runner(model, Request(engine, device, threads, fallback), hang)
    try:
        detector = Detector(model, score=max(told.score - told.score_tolerance, 0.0), runner=runner)
        differences: List[str] = []
        taken = []
        for expected in told.images:
            image = images.read(expected.image)
            tensor = detector.preprocess(image)
            start = time.perf_counter()
            raw = detector.invoke(tensor)
            taken.append(1000 * (time.perf_counter() - start))
            found = detector.postprocess(raw, image.shape[1], image.shape[0])
            differences += [f"{expected.image.name}: {line}" for line in compare(expected.detections, found, told)]
    finally:
        if isinstance(runner, EngineProcess):
            runner.close()
    return SelfTest(not differences, tuple(differences), min(taken), runner.what, runner.package, tuple(runner.notes))


def compare(expected: Sequence[Detection], found: Sequence[Detection], golden: Golden) -> List[str]:
    """What differs between the detections of one image, a line each.

    Each expected one needs another of its class, whose box and score are within the tolerances; and
    nothing may be found besides whose score is more than the tolerance over what `golden` lists.
    """
    left = list(found)
    lines = []
    for wanted in expected:
        alike = (item for item in left if item.class_id == wanted.class_id)
        near = [item for item in alike if _apart(item, wanted) <= golden.box_tolerance]
        best = min(near, key=lambda item: abs(item.score - wanted.score), default=None)
        if best is None:
            lines.append(f"did not find {_said(wanted)}")
            continue
        left.remove(best)
        if abs(best.score - wanted.score) > golden.score_tolerance:
            lines.append(f"found {_said(wanted)} with a score of {best.score:.2f}")
        elif best.label != wanted.label:
            lines.append(f"calls {_said(wanted)} {best.label}")
    lines += [f"found {_said(item)} besides" for item in left if item.score >= golden.score + golden.score_tolerance]
    return lines


class Reference:
    """What a model finds by TFLite's plain kernels, which round alike everywhere, beside what this machine's
    usual engine finds. For a file that only an accelerator runs, both are the accelerator's.
    """

    def __init__(self, model: PathLike, score: float = SCORE) -> None:
        """Raises InputError for what is no detector, KitError where no engine works."""
        if is_compiled(Model.read(model)):
            # One chip is not opened twice.
            self._plain = self._usual = Detector(model, score=score)
        else:
            self._plain = Detector(model, engine="plain", score=score)
            self._usual = Detector(model, score=max(score - SCORE_TOLERANCE, 0.0))
        self._terms = Golden(score, SCORE_TOLERANCE, BOX_TOLERANCE, ())

    def image(self, source: PathLike) -> np.ndarray:
        """The image, BGR uint8 [height, width, 3], at the size of the model's input, since builds of
        OpenCV differ in how they resize.
        """
        return preprocessing.resize(images.read(source), self._plain.size)[..., ::-1].copy()

    def expected(self, image: np.ndarray) -> Tuple[Detection, ...]:
        return self._plain(image)

    def differences(self, image: np.ndarray, expected: Sequence[Detection]) -> List[str]:
        """What the usual engine finds otherwise, a line each. Where boxes of one class overlap, rounding
        may choose another of them: with such an image, devices that are sound would fail.
        """
        return compare(expected, self._usual(image), self._terms)


def make(model: PathLike, sources: Iterable[PathLike], folder: PathLike, *, score: float = SCORE) -> Golden:
    """Writes a golden for `model` with the images at `sources` into `folder`, and returns it.

    What is expected is what `Reference` says. Raises InputError for an image that nothing is found in,
    which could not tell a working model from a dead one; KitError where this machine's usual engine does
    not pass the test that was just made.
    """
    reference = Reference(model, score)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    made = []
    for number, source in enumerate(sources):
        bgr = reference.image(source)
        found = reference.expected(bgr)
        if not found:
            raise InputError(f"{source}: nothing is found in it with a score of {score:g}; take another image")
        image = place / f"{number:02d}_{Path(source).stem}.png"
        images.write(image, bgr)
        made.append(Expected(image, found))
    if not made:
        raise InputError(f"{folder}: a golden needs at least one image")
    golden = Golden(score, SCORE_TOLERANCE, BOX_TOLERANCE, tuple(made))
    write_text(place / NAME, _text(golden))
    result = run(model, place)
    if not result.passed:
        raise KitError(
            f"{folder}: {result.what} does not find the same as TFLite's plain kernels: "
            f"{'; '.join(result.differences)}; take other images, or a higher score"
        )
    return golden


def read(folder: PathLike) -> Golden:
    """The golden in `folder`. Raises InputError where it is missing or not as it should be."""
    place = Path(folder) / NAME
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{place}: no such file; a golden is a folder with {NAME} and its images") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{place}: cannot be read: {error}") from error
    try:
        if content["version"] != VERSION:
            raise InputError(f"{place}: is of version {content['version']}, this kit reads {VERSION}")
        listed = tuple(_expected(Path(folder), entry) for entry in content["pictures"])
        golden = Golden(
            float(content["score"]), float(content["score_tolerance"]), float(content["box_tolerance"]), listed
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{place}: is no golden: {type(error).__name__} at {error}") from error
    if not golden.images or not all(expected.detections for expected in golden.images):
        raise InputError(f"{place}: expects no detections, so that it would test nothing")
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
    # The file may come from elsewhere, and must not lead to others.
    if not isinstance(name, str) or Path(name).name != name or not images.is_image(name):
        raise ValueError(f"file {name!r}, which is no image beside it")
    return Expected(folder / name, tuple(_detection(found) for found in entry["detections"]))


def _detection(found: Dict[str, Any]) -> Detection:
    box = Box(*(float(side) for side in found["box"]))
    return Detection(str(found["label"]), int(found["class"]), float(found["score"]), box)


def _text(golden: Golden) -> str:
    content = {
        "version": VERSION,
        "score": golden.score,
        "score_tolerance": golden.score_tolerance,
        "box_tolerance": golden.box_tolerance,
        "pictures": [
            {"file": expected.image.name, "detections": [_entry(found) for found in expected.detections]}
            for expected in golden.images
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _entry(found: Detection) -> Dict[str, Any]:
    box = [round(side, 2) for side in found.box.as_tuple()]
    return {"label": found.label, "class": found.class_id, "score": round(found.score, 4), "box": box}


def _apart(one: Detection, other: Detection) -> float:
    """Pixels between the sides that lie farthest apart."""
    return max(abs(a - b) for a, b in zip(one.box.as_tuple(), other.box.as_tuple()))


def _said(found: Detection) -> str:
    sides = ", ".join(f"{side:.0f}" for side in found.box.as_tuple())
    return f"{found.label} ({found.score:.2f}) at {sides}"
