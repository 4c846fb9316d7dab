"""The six common ways to read a detection .tflite give the same detections.

The small files have the custom operation; those of the trained run have built-in post-processing, and a score
threshold in their metadata, which the readers that know metadata must heed.

The variables `KIT_TEST_FP16` and `KIT_TEST_INT8` name detectors to test instead of the small one, on photographs
of the shared data.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from convert.contract import consumers
from runtime.common.values import Labels
from runtime.inference.detector import Detector
from runtime.model.tflite import Model
from tests.support import small_detector as small
from tests.support.reader_environment import MEDIAPIPE, TFLITE_SUPPORT, environment, read
from tests.support.small_detector import small_detector
from tests.support.trained import trained

pytestmark = pytest.mark.long

KINDS = ("fp16", "int8")


@dataclass(frozen=True)
class Found:
    """A reader's detections in an image; boxes [N, 4] as ymin, xmin, ymax, xmax in 0..1."""

    boxes: np.ndarray
    labels: tuple[str, ...]
    scores: np.ndarray


@dataclass(frozen=True)
class Case:
    """Both files, and the images, uint8 RGB of exactly the detectors' input size."""

    folder: Path
    files: dict[str, Path]
    images: list[np.ndarray]
    size: int


@pytest.fixture(scope="module")
def case(small_detector, tmp_path_factory, request) -> Case:
    folder = tmp_path_factory.mktemp("readers")
    files = small.write(folder, small_detector)
    model = Model.read(files["int8"])
    size = model.main.tensors[model.main.inputs[0]].shape[1]
    if any(f"KIT_TEST_{kind.upper()}" in os.environ for kind in KINDS):
        images = photographs(request.getfixturevalue("shared"), size)
    else:
        images = [small.image(seed, size) for seed in (1, 2, 3)]
    return Case(folder, files, images, size)


def photographs(shared: Path, size: int) -> list[np.ndarray]:
    cv2 = pytest.importorskip("cv2")
    from runtime.inference.preprocessing import resize

    names = ("cat.bmp", "grace_hopper.bmp", "pets.jpg")
    return [resize(cv2.imread(str(shared / "images" / name)), size) for name in names]


class Interpreted:
    """A file in the interpreter, as scripts use it."""

    def __init__(self, path: Path) -> None:
        interpreter = pytest.importorskip("ai_edge_litert.interpreter")
        self.interpreter = interpreter.Interpreter(str(path))
        self.interpreter.allocate_tensors()
        self.labels = Labels.parse(Model.read(path).associated_files()["labels.txt"].decode())

    def run(self, image: np.ndarray) -> list[dict]:
        """Runs the file on one image, uint8 RGB; returns the output details."""
        (detail,) = self.interpreter.get_input_details()
        pixels = image[None]
        if detail["dtype"] == np.float32:
            pixels = pixels.astype(np.float32) / 127.5 - 1
        self.interpreter.set_tensor(detail["index"], pixels)
        self.interpreter.invoke()
        return self.interpreter.get_output_details()

    def found(self, boxes: int, classes: int, scores: int, count: int) -> Found:
        """The detections in the output tensors with these indices."""
        get = self.interpreter.get_tensor
        number = int(np.ravel(get(count))[0])
        names = tuple(self.labels[int(value)] for value in get(classes)[0][:number])
        return Found(get(boxes)[0][:number], names, get(scores)[0][:number])


def by_index(path: Path, images) -> list[Found]:
    """LiteRT samples and TF1-style scripts."""
    loaded = Interpreted(path)
    return [loaded.found(*(d["index"] for d in loaded.run(image))) for image in images]


def by_name(path: Path, images) -> list[Found]:
    """The most used Raspberry Pi tutorial: the name of the first output decides on the order."""
    loaded, result = Interpreted(path), []
    for image in images:
        details = loaded.run(image)
        new = "StatefulPartitionedCall" in details[0]["name"]
        order = (1, 3, 0, 2) if new else (0, 1, 2, 3)
        result.append(loaded.found(*(details[number]["index"] for number in order)))
    return result


def by_shape(path: Path, images) -> list[Found]:
    """Network video recorders: the 3-D output is boxes, the 1-D output the count, the others keep their order."""
    loaded, result = Interpreted(path), []
    for image in images:
        details = loaded.run(image)
        (boxes,) = [d["index"] for d in details if len(d["shape"]) == 3]
        (count,) = [d["index"] for d in details if len(d["shape"]) == 1]
        classes, scores = [d["index"] for d in details if len(d["shape"]) == 2]
        result.append(loaded.found(boxes, classes, scores, count))
    return result


def by_pycoral(path: Path, images) -> list[Found]:
    """detect.get_objects: exactly one signature, output_0..3 = count, scores, classes, boxes."""
    loaded, result = Interpreted(path), []
    for image in images:
        loaded.run(image)
        signatures = loaded.interpreter._get_full_signature_list()
        (signature,) = signatures.values()
        count, scores, classes, boxes = (signature["outputs"][f"output_{i}"] for i in range(4))
        result.append(loaded.found(boxes, classes, scores, count))
    return result


def in_pixels(detections: list[list[dict]], size: int) -> list[Found]:
    """The results of a script in tests/readers."""
    return [
        Found(
            np.array([found["box"] for found in image], np.float32).reshape(-1, 4) / size,
            tuple(found["label"] for found in image),
            np.array([found["score"] for found in image], np.float32),
        )
        for image in detections
    ]


def as_mediapipe_gives(found: Found) -> Found:
    """The detections as MediaPipe returns them: it shifts boxes that start outside of the image to its edge."""
    starts = np.clip(found.boxes[:, :2], 0, 1)
    boxes = np.hstack([starts, starts + found.boxes[:, 2:] - found.boxes[:, :2]])
    return Found(boxes, found.labels, found.scores)


@pytest.fixture(scope="module")
def mediapipe(case) -> dict:
    python = environment("mediapipe", MEDIAPIPE)
    return read(python, "run_mediapipe.py", case.folder, case.images, _models(case))


@pytest.fixture(scope="module")
def task_library(case) -> dict:
    if sys.version_info >= (3, 12):
        pytest.skip("tflite-support has no wheels for Python 3.12 and newer")
    python = environment("tflite-support", TFLITE_SUPPORT)
    return read(python, "run_task_library.py", case.folder, case.images, _models(case))


@pytest.fixture(scope="module")
def trained_case(trained, tmp_path_factory) -> Case:
    """The files of the trained run, on images that it was not trained on."""
    from convert.evaluation.images import of_run
    from runtime.inference.preprocessing import resize
    from train.run.run_folder import RunFolder

    images = [resize(given.load(), 320) for given in of_run(RunFolder(trained.run)).images[:6]]
    files = {"fp16": trained.fp16, "int8": trained.int8}
    return Case(tmp_path_factory.mktemp("trained-readers"), files, images, 320)


@pytest.fixture(scope="module")
def trained_mediapipe(trained_case) -> dict:
    python = environment("mediapipe", MEDIAPIPE)
    return read(python, "run_mediapipe.py", trained_case.folder, trained_case.images, [*trained_case.files.values()])


@pytest.fixture(scope="module")
def trained_task_library(trained_case) -> dict:
    if sys.version_info >= (3, 12):
        pytest.skip("tflite-support has no wheels for Python 3.12 and newer")
    python = environment("tflite-support", TFLITE_SUPPORT)
    return read(python, "run_task_library.py", trained_case.folder, trained_case.images, [*trained_case.files.values()])


@pytest.fixture(scope="module")
def expected(case) -> dict[str, list[Found]]:
    return {kind: by_index(case.files[kind], case.images) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_something_to_compare(expected, kind):
    assert all(len(found.scores) >= 1 for found in expected[kind])
    assert all((np.diff(found.scores) <= 0).all() for found in expected[kind])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", [by_name, by_shape, by_pycoral])
def test_readers_of_tensors(case, expected, reader, kind):
    for wanted, got in zip(expected[kind], reader(case.files[kind], case.images), strict=True):
        same(wanted, got, pixels=0, size=case.size)


@pytest.mark.parametrize("kind", KINDS)
def test_mediapipe(case, expected, mediapipe, kind):
    detections = mediapipe[str(case.files[kind])]
    for wanted, got in zip(expected[kind], in_pixels(detections, case.size), strict=True):
        same(as_mediapipe_gives(wanted), got, pixels=2, size=case.size, ties=kind == "int8")


@pytest.mark.parametrize("kind", KINDS)
def test_task_library(case, expected, task_library, kind):
    detections = task_library[str(case.files[kind])]["detections"]
    for wanted, got in zip(expected[kind], in_pixels(detections, case.size), strict=True):
        same(wanted, got, pixels=2, size=case.size, ties=kind == "int8")


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_reader(case, task_library, kind):
    read = task_library[str(case.files[kind])]
    (graph,) = read["metadata"]["subgraph_metadata"]
    assert [t["name"] for t in graph["output_tensor_metadata"]] == [
        "location", "category", "score", "number of detections",
    ]  # fmt: skip
    (unit,) = graph["input_tensor_metadata"][0]["process_units"]
    assert unit["options"] == {"mean": [127.5], "std": [127.5]}
    assert read["metadata"]["min_parser_version"] == read["needed"]
    assert read["files"] == {
        name: content.decode()
        for name, content in Model.read(case.files[kind]).associated_files().items()
    }


def over_threshold(case: Case, kind: str) -> list[Found]:
    """What the file gives, without what lies under the threshold in its metadata; the runtime gives the same."""
    detector = Detector(case.files[kind], all_labels=True)
    result, left_out = [], 0
    for image, found in zip(case.images, by_index(case.files[kind], case.images)):
        keep = found.scores >= detector.score
        left_out += int((~keep).sum())
        labels = tuple(label for label, kept in zip(found.labels, keep) if kept)
        result.append(Found(found.boxes[keep], labels, found.scores[keep]))
        given = detector(image, "RGB")
        boxes = [(item.box.ymin, item.box.xmin, item.box.ymax, item.box.xmax) for item in given]
        runtime = Found(
            np.array(boxes, np.float32).reshape(-1, 4) / case.size,
            tuple(item.label for item in given),
            np.array([item.score for item in given], np.float32),
        )
        same(result[-1], runtime, pixels=0.01, size=case.size)
    assert left_out > 10 and sum(len(found.scores) for found in result) > 5
    return result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", [by_name, by_shape, by_pycoral])
def test_readers_of_tensors_read_a_trained_file(trained_case, reader, kind):
    path = trained_case.files[kind]
    for wanted, got in zip(by_index(path, trained_case.images), reader(path, trained_case.images), strict=True):
        same(wanted, got, pixels=0, size=trained_case.size)


@pytest.mark.parametrize("kind", KINDS)
def test_mediapipe_reads_a_trained_file_and_not_its_threshold(trained_case, trained_mediapipe, kind):
    """A box that is found as several classes is one detection with as many categories, which the script takes apart."""
    path = trained_case.files[kind]
    got = in_pixels(trained_mediapipe[str(path)], trained_case.size)
    for wanted, found in zip(by_index(path, trained_case.images), got, strict=True):
        same(as_mediapipe_gives(wanted), found, pixels=2, size=trained_case.size, ties=kind == "int8")
    detector = Detector(path)
    assert min(score for found in got for score in found.scores) < detector.score - 0.2
    notes = {verdict.consumer: verdict.note for verdict in consumers.verdicts(Model.read(path))}
    note = notes["MediaPipe ObjectDetector"]
    assert f"score_threshold={detector.score:g}" in note and "several categories" in note


@pytest.mark.parametrize("kind", KINDS)
def test_mediapipe_over_the_threshold_gives_what_the_runtime_gives(trained_case, trained_mediapipe, kind):
    """So that its option `score_threshold`, which the note names, is what is missing."""
    detections = [
        [item for item in image if item["score"] >= Detector(trained_case.files[kind]).score]
        for image in trained_mediapipe[str(trained_case.files[kind])]
    ]
    wanted = over_threshold(trained_case, kind)
    for one, got in zip(wanted, in_pixels(detections, trained_case.size), strict=True):
        same(as_mediapipe_gives(one), got, pixels=2, size=trained_case.size)


@pytest.mark.parametrize("kind", KINDS)
def test_task_library_reads_a_trained_file_and_heeds_its_threshold(trained_case, trained_task_library, kind):
    detections = trained_task_library[str(trained_case.files[kind])]["detections"]
    wanted = over_threshold(trained_case, kind)
    for one, got in zip(wanted, in_pixels(detections, trained_case.size), strict=True):
        same(one, got, pixels=2, size=trained_case.size)


def test_metadata_is_that_of_the_reference_writer(shared, case, task_library):
    wanted = json.loads((shared / "spec" / "metadata_reference.json").read_text())
    got = task_library[str(case.files["int8"])]["metadata"]
    assert {key: got[key] for key in wanted} == wanted


def test_both_refuse_a_file_without_metadata(case, mediapipe, task_library):
    """The verdicts of `convert.inspect` quote their error messages."""
    bare = case.folder / "bare.tflite"
    reasons = {verdict.consumer: verdict.why for verdict in consumers.verdicts(Model.read(bare))}
    for reader, name in ((mediapipe, "MediaPipe ObjectDetector"), (task_library, "TFLite Task Library")):
        assert reader[str(bare)] in reasons[name]
        assert "none was found" in reasons[name]


def _models(case: Case) -> list[Path]:
    """Both files, and one without metadata."""
    from convert.file import flatbuffer_objects

    bare = case.folder / "bare.tflite"
    objects = flatbuffer_objects.unpack(case.files["int8"].read_bytes())
    objects.metadata = []
    bare.write_bytes(flatbuffer_objects.pack(objects))
    return [*case.files.values(), bare]


_SAME_PLACE = 1e-4


def same(wanted: Found, got: Found, *, pixels: float, size: int, ties: bool = False) -> None:
    """Asserts that two lists of detections are the same.

    `pixels` is the largest difference of corners, since some readers round them. With `ties`, scores are quantized
    and often equal: which of equal ones comes first, which of two overlapping ones is suppressed, and which of the
    last ones are among the N depends on the sort of the reader's library.
    """
    assert len(got.scores) == len(wanted.scores)
    near = 2e-3 if pixels else 0
    np.testing.assert_allclose(got.scores, wanted.scores, atol=near)
    # Readers differ in whether they clip.
    boxes, others = (np.clip(found.boxes, 0, 1) for found in (wanted, got))
    left = list(range(len(got.scores)))
    if not ties:
        for label, score, box in zip(wanted.labels, wanted.scores, boxes, strict=True):
            # Kernels of other versions round otherwise, which may exchange the places of scores that are almost equal.
            near_by = [i for i in left if abs(got.scores[i] - score) <= _SAME_PLACE]
            alike = [i for i in near_by if got.labels[i] == label and np.allclose(others[i], box, rtol=0, atol=pixels / size)]
            assert alike, (label, score, box, [(got.labels[i], got.scores[i], others[i]) for i in near_by])
            left.remove(alike[0])
        return
    for label, score, box in zip(wanted.labels, wanted.scores, boxes, strict=True):
        if score <= wanted.scores[-1] + near:
            continue
        alike = [i for i in left if got.labels[i] == label and abs(got.scores[i] - score) <= near]
        overlaps = [overlap(box, others[i]) for i in alike]
        assert overlaps and max(overlaps) > 0.5, (label, score, box)
        left.remove(alike[int(np.argmax(overlaps))])


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union."""
    sides = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
    areas = [float(np.prod(box[2:] - box[:2])) for box in (a, b)]
    shared = float(np.prod(sides))
    return shared / max(sum(areas) - shared, 1e-9)
