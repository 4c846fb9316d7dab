from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from runtime import Box, Detector, InputError, KitError, Labels
from runtime.machine import interpreter_packages
from runtime.media import images
from tests.support import tiny_detector

IMAGE = np.zeros((100, 200, 3), np.uint8)
EXPORTER = {"output_0": 3, "output_1": 2, "output_2": 1, "output_3": 0}


@pytest.fixture
def tiny(tmp_path):
    """Writes a tiny model and returns its path."""

    def write(*args, name="tiny.tflite", **kwargs):
        path = tmp_path / name
        path.write_bytes(tiny_detector.build(*args, **kwargs))
        return path

    return write


def test_boxes_in_source_pixels_within_the_image_best_first(tiny):
    found = Detector(tiny(), labels=Labels(("cat", "dog")), score=0.0)(IMAGE)
    assert [(item.label, item.class_id) for item in found] == [("dog", 1), ("cat", 0), ("class 2", 2)]
    assert [item.score for item in found] == pytest.approx([0.9, 0.75, 0.25])
    assert found[0].box.as_tuple() == pytest.approx((40, 10, 120, 50))
    assert found[1].box == Box(0, 0, 200, 100)
    assert found[2].box.as_tuple() == pytest.approx((100, 0, 200, 40))


@pytest.mark.parametrize(("image", "error"), [(None, ValueError), ("street.jpg", TypeError)])
def test_a_call_with_what_is_no_image_says_so(tiny, image, error):
    detector = Detector(tiny())
    with pytest.raises(error, match="an image is a uint8 array"):
        detector(image)
    with pytest.raises(error, match="an image is a uint8 array"):
        detector.detect_all([image])


def test_scores_under_the_threshold_are_left_out(tiny):
    path = tiny()
    assert len(Detector(path)(IMAGE)) == 2
    assert len(Detector(path, score=0.75)(IMAGE)) == 2
    assert len(Detector(path, score=0.76)(IMAGE)) == 1
    assert Detector(path, score=0.95)(IMAGE) == ()


def thrice(tiny, *, second):
    """A model that finds a box as class 1 and 0, the second time as `second`, and a third box far away."""
    boxes = np.array([[[0.1, 0.2, 0.5, 0.6], second, [0.7, 0.7, 0.9, 0.9]]], np.float32)
    outputs = [("a", boxes), *tiny_detector.OUTPUTS[1:]]
    return tiny(outputs, signature=EXPORTER, name=f"{second[0]}.tflite")


def test_of_the_very_same_box_the_best_class_is_given(tiny):
    path = thrice(tiny, second=[0.1, 0.2, 0.5, 0.6])
    assert [item.class_id for item in Detector(path, score=0.0)(IMAGE)] == [1, 2]
    assert [item.class_id for item in Detector(path, score=0.0, all_labels=True)(IMAGE)] == [1, 0, 2]
    # The best class may have a threshold that it does not reach; then the next one is given.
    labels = Labels(("cat", "dog", "fox"))
    found = Detector(path, labels=labels, score=0.0, scores={"dog": 0.95})(IMAGE)
    assert [item.label for item in found] == ["cat", "fox"]


def test_a_box_that_differs_at_all_is_another_one(tiny):
    path = thrice(tiny, second=[0.1001, 0.2, 0.5, 0.6])
    assert [item.class_id for item in Detector(path, score=0.0)(IMAGE)] == [1, 0, 2]


def test_boxes_that_only_clipping_makes_equal_are_given_both(tiny):
    boxes = np.array([[[-0.2, -0.2, 1.2, 1.2], [-0.1, -0.1, 1.1, 1.1], [0.7, 0.7, 0.9, 0.9]]], np.float32)
    found = Detector(tiny([("a", boxes), *tiny_detector.OUTPUTS[1:]], signature=EXPORTER), score=0.0)(IMAGE)
    assert [item.class_id for item in found] == [1, 0, 2]


@pytest.mark.parametrize(("iou", "kept"), [(None, [1, 0, 2]), (0.7, [1, 0, 2]), (0.5, [1, 2])])
@pytest.mark.parametrize("all_labels", [False, True])
def test_agnostic_suppression_is_whatever_the_class(tiny, iou, kept, all_labels):
    # Three fifths of the two boxes are shared.
    path = thrice(tiny, second=[0.2, 0.2, 0.6, 0.6])
    found = Detector(path, score=0.0, agnostic=iou, all_labels=all_labels)(IMAGE)
    assert [item.class_id for item in found] == kept
    assert [item.score for item in found] == sorted((item.score for item in found), reverse=True)


def test_agnostic_suppression_does_not_heed_boxes_under_the_threshold(tiny):
    path = thrice(tiny, second=[0.2, 0.2, 0.6, 0.6])
    labels = Labels(("cat", "dog", "fox"))
    found = Detector(path, labels=labels, score=0.0, scores={"dog": 0.95}, agnostic=0.5)(IMAGE)
    assert [item.label for item in found] == ["cat", "fox"]


@pytest.mark.parametrize(("count", "kept"), [(0, 0), (1, 1), (2, 2), (99, 3), (-4, 0), (float("nan"), 0)])
def test_the_count_is_respected(tiny, count, kept):
    outputs = [*tiny_detector.OUTPUTS[:3], ("d", np.array([count], np.float32))]
    detector = Detector(tiny(outputs, signature=EXPORTER), score=0.0)
    assert len(detector(IMAGE)) == kept


def test_nan_is_left_out(tiny):
    boxes = tiny_detector.BOXES.copy()
    boxes[0, 0, 0] = np.nan
    scores = np.array([[0.9, np.nan, 0.25]], np.float32)
    outputs = [("a", boxes), ("b", tiny_detector.CLASSES), ("c", scores), ("d", tiny_detector.COUNT)]
    found = Detector(tiny(outputs, signature=EXPORTER), score=0.0)(IMAGE)
    assert [item.class_id for item in found] == [2]


def test_scores_that_are_not_sorted_are_sorted(tiny):
    scores = np.array([[0.25, 0.9, 0.75]], np.float32)
    outputs = [("a", tiny_detector.BOXES), ("b", tiny_detector.CLASSES), ("c", scores), ("d", tiny_detector.COUNT)]
    found = Detector(tiny(outputs, signature=EXPORTER), score=0.0)(IMAGE)
    assert [item.class_id for item in found] == [0, 2, 1]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 3, 1), (3, 2, 1, 0)])
def test_the_order_of_outputs_makes_no_difference(tiny, order):
    names = ("location", "category", "score", "number of detections")
    outputs = [tiny_detector.OUTPUTS[i] for i in order]
    by_values = Detector(tiny(outputs, name="values.tflite"), score=0.0)
    said = tiny_detector.metadata(outputs=[names[i] for i in order])
    by_metadata = Detector(tiny(outputs, metadata=said, name="metadata.tflite"), score=0.0)
    signature = {f"output_{3 - role}": order.index(role) for role in range(4)}
    by_signature = Detector(tiny(outputs, signature=signature, name="signature.tflite"), score=0.0)
    results = [detector(IMAGE) for detector in (by_values, by_metadata, by_signature)]
    assert results[0] == results[1] == results[2]
    assert results[0][0].class_id == 1


def test_the_metadata_may_order_a_boxs_sides(tiny):
    boxes = tiny_detector.BOXES[..., [1, 0, 3, 2]]
    outputs = [("a", boxes), *tiny_detector.OUTPUTS[1:]]
    names = ("location", "category", "score", "number of detections")
    said = tiny_detector.metadata(outputs=names, box_index=(0, 1, 2, 3))
    found = Detector(tiny(outputs, metadata=said))(IMAGE)
    assert found[0].box.as_tuple() == pytest.approx((40, 10, 120, 50))


@pytest.mark.parametrize(
    ("kind", "said", "expected"),
    [
        ("uint8", {}, 200),
        ("int8", {}, 72),
        ("float32", {}, np.float32(200 / 127.5 - 1)),
        ("uint8", {"mean": (0,), "std": (255,)}, 200),
        ("float32", {"mean": (0,), "std": (255,)}, np.float32(200 / 255)),
        ("float32", {"mean": (100, 200, 0), "std": (1, 2, 4)}, (100, 0, 50)),
    ],
)
def test_values_of_the_input(tiny, kind, said, expected):
    detector = Detector(tiny(input_type=kind, metadata=tiny_detector.metadata(**said) if said else None))
    tensor = detector.preprocess(np.full((5, 7, 3), 200, np.uint8))
    assert tensor.shape == (1, 8, 8, 3) and tensor.dtype == kind
    assert np.allclose(tensor, np.broadcast_to(expected, tensor.shape), atol=1e-6)


def test_an_input_need_not_be_square(tiny):
    detector = Detector(tiny(input_shape=(1, 6, 10, 3)))
    assert detector.size == (6, 10)
    assert len(detector(IMAGE)) == 2
    assert Detector(tiny()).size == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (1, 1, 1, 3), "input_signature": (1, -1, -1, 3)}, "no fixed size"),
        ({"input_shape": (2, 8, 8, 3)}, r"2 images at once; only files that end before their post-processing"),
        ({"input_shape": (1, 8, 8, 1)}, r"image \[1, 8, 8, 1\] uint8"),
        ({"input_shape": (1, 64)}, r"image \[1, 64\]"),
        ({"input_type": "int16"}, "int16"),
        ({"metadata": b"rubbish!" * 4}, "metadata"),
        ({"metadata": tiny_detector.metadata(mean=(1,), std=(0,))}, "no std of 0"),
        ({"metadata": tiny_detector.metadata(mean=(1, 2), std=(1,))}, "one number or three"),
    ],
)
def test_models_that_cannot_be_fed_images(tiny, options, message):
    with pytest.raises(InputError, match=message):
        Detector(tiny(**options))


def test_a_batch_of_any_size_is_a_fixed_size(tiny):
    assert Detector(tiny(input_signature=(-1, 8, 8, 3))).size == 8


def test_a_classifier_is_refused(tiny):
    with pytest.raises(InputError, match=r"not a detector: its outputs are probs \[1, 5\]"):
        Detector(tiny([("probs", np.zeros((1, 5), np.float32))]))


def test_no_interpreter_is_installed(monkeypatch):
    monkeypatch.setattr(interpreter_packages, "PACKAGES", (("no_such_module_a", "a"), ("no_such_module_b", "b")))
    with pytest.raises(KitError, match="pip install ai-edge-litert") as error:
        interpreter_packages.find_package()
    assert not isinstance(error.value, InputError)


def test_the_first_installed_interpreter_is_used(monkeypatch):
    monkeypatch.setattr(interpreter_packages, "PACKAGES", (("no_such_module_a", "a"), ("json", "b"), ("no_such_module_c", "c")))
    assert interpreter_packages.find_package()[1] == "b"


@pytest.mark.parametrize(
    ("model", "class_id", "label"),
    [
        ("coco_ssd_mobilenet_v1_quant", 16, "cat"),
        ("coco_ssd_mobilenet_v1_quant_no_metadata", 16, "class 16"),
        ("fpnlite320_odapi_export_cat", 0, "class 0"),
    ],
)
def test_third_party_files_find_the_cat(shared, model, class_id, label):
    image = images.read(shared / "images/cat.bmp")
    found = Detector(shared / f"models/{model}.tflite")(image)
    assert [(item.class_id, item.label) for item in found] == [(class_id, label)]
    assert found[0].score > (0.98 if "cat" in model else 0.7)
    box = found[0].box
    # The cat sits in the middle and right of the image and reaches its lower edge.
    assert 0 <= box.xmin < 200 and 340 < box.xmax <= 400 and 25 <= box.ymin < 60 and 320 < box.ymax <= 341
    assert Detector(shared / f"models/{model}.tflite")(image[..., ::-1], "RGB") == found


def test_a_label_list_is_aligned_with_the_class_ids(shared):
    detector = Detector(
        shared / "models/coco_ssd_mobilenet_v1_quant_no_metadata.tflite", labels=shared / "images/coco_labels.txt"
    )
    best = {name: detector(images.read(shared / "images" / name))[0].label for name in ("cat.bmp", "pets.jpg")}
    assert best == {"cat.bmp": "cat", "pets.jpg": "dog"}
    assert "tie" in {item.label for item in detector(images.read(shared / "images/grace_hopper.bmp"))}


def test_a_threshold_of_zero_keeps_all_detections(shared):
    detector = Detector(shared / "models/coco_ssd_mobilenet_v1_quant.tflite", score=0.0)
    assert len(detector(images.read(shared / "images/cat.bmp"))) == 10


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 700), (9000, 12000)])
def test_images_of_any_size(tiny, height, width):
    found = Detector(tiny())(np.zeros((height, width, 3), np.uint8))
    assert found[1].box == Box(0, 0, width, height)


def test_a_cut_file_is_refused(shared, tmp_path):
    data = (shared / "models/coco_ssd_mobilenet_v1_quant.tflite").read_bytes()
    path = tmp_path / "cut.tflite"
    path.write_bytes(data[:-500])  # the label list's archive is gone
    with pytest.raises(InputError, match=r"labelmap\.txt, which is not in it"):
        Detector(path)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"cut\.tflite"):
        Detector(path)


def test_neither_importing_nor_detecting_brings_tensorflow(tiny):
    code = (
        "import sys, runtime\n"
        "assert 'numpy' not in sys.modules and 'cv2' not in sys.modules\n"
        "import numpy\n"
        "runtime.Detector(sys.argv[1])(numpy.zeros((9, 9, 3), numpy.uint8))\n"
        "heavy = {'tensorflow', 'keras', 'tf_keras', 'train', 'convert'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tiny())], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_lazy_names():
    import runtime

    assert all(getattr(runtime, name) for name in runtime.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        runtime.nothing


def test_tensorflow_is_the_last_resort_and_works(tiny):
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("the fallback needs TensorFlow, which is not installed")
    code = (
        "import sys\n"
        "sys.modules['ai_edge_litert'] = sys.modules['tflite_runtime'] = None\n"
        "import numpy, runtime\n"
        "detector = runtime.Detector(sys.argv[1])\n"
        "print(detector.package, len(detector(numpy.zeros((9, 9, 3), numpy.uint8))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tiny())], capture_output=True, text=True)
    assert done.stdout == "tensorflow 2\n", done.stderr


def test_the_threshold_of_the_metadata_is_the_default(tiny):
    path = tiny(metadata=tiny_detector.metadata(outputs=("a", "b", "c", "d"), threshold=0.8))
    assert Detector(path).score == pytest.approx(0.8)
    assert [item.score for item in Detector(path)(IMAGE)] == pytest.approx([0.9])
    assert len(Detector(path, score=0.1)(IMAGE)) == 3


def test_classes_with_thresholds_of_their_own(tiny):
    labels = Labels(("cat", "dog"))
    detector = Detector(tiny(), labels=labels, score=0.8, scores={"cat": 0.7, "class 2": 0.1})
    assert [item.class_id for item in detector(IMAGE)] == [1, 0, 2]
    detector.score = 0.95
    assert [item.class_id for item in detector(IMAGE)] == [0, 2]
    with pytest.raises(InputError, match="--score: no class is called 'dgo'; did you mean dog"):
        Detector(tiny(), labels=labels, scores={"dgo": 0.5})


def test_the_result_of_detect_holds_the_image_and_what_a_call_finds(tiny, tmp_path):
    images.write(tmp_path / "image.png", IMAGE)
    detector = Detector(tiny())
    for given in (IMAGE, tmp_path / "image.png", str(tmp_path / "image.png")):
        found = detector.detect(given)
        assert tuple(found) == detector(IMAGE) != () and np.array_equal(found.image, IMAGE)
        assert found._repr_html_().count("<rect") == len(found)
    assert detector.detect(IMAGE, "RGB").color == "RGB"
    with pytest.raises(InputError, match="no such file"):
        detector.detect(tmp_path / "nothing.png")


def test_a_value_that_is_a_path_can_be_given(tiny):
    class File:
        def __init__(self, path):
            self._path = path

        def __fspath__(self):
            return str(self._path)

    path = tiny()
    assert Detector(File(path)).path == str(path)


@pytest.mark.parametrize("floor", [None, 0.0, 0.5, 0.95])
@pytest.mark.parametrize("options", [{}, {"agnostic": 0.5}, {"scores": {"dog": 0.95}}, {"scores": {"fox": 0.1}}])
def test_candidates_change_nothing_of_what_is_found(tiny, floor, options):
    path = thrice(tiny, second=[0.1, 0.2, 0.5, 0.6])
    detector = Detector(path, labels=Labels(("cat", "dog", "fox")), score=0.5, **options)
    raw = detector.invoke(detector.preprocess(IMAGE))
    found, candidates = detector.candidates(raw, 100, 100, floor)
    assert found == detector.postprocess(raw, 100, 100)
    assert not {item.label for item in found} & {item.label for item in candidates}
    assert all(item.score >= (1.0 if floor is None else floor) for item in candidates)


@pytest.mark.parametrize("agnostic", [None, 0.3])
def test_what_must_be_hidden_is_found_also_where_another_class_has_its_box(tiny, agnostic):
    # Cat has the very same box as dog, and a lower score.
    path = thrice(tiny, second=[0.1, 0.2, 0.5, 0.6])
    detector = Detector(path, labels=Labels(("cat", "dog", "fox")), score=0.8, agnostic=agnostic)
    raw = detector.invoke(detector.preprocess(IMAGE))
    assert {item.label for part in detector.candidates(raw, 100, 200, 0.2) for item in part} == {"dog", "fox"}
    (found,) = detector.all_of([raw], 100, 200, ("cat",), 0.2)
    assert found.label == "cat" and found.class_id == 0 and found.score == pytest.approx(0.75)
    assert found.box.as_tuple() == pytest.approx((20, 20, 60, 100))
    assert detector.all_of([raw], 100, 200, ("cat",), 0.8) == () == detector.all_of([raw], 100, 200, ("owl",), 0.2)


def test_in_tiles_what_must_be_hidden_is_found_in_each(tiny):
    detector = Detector(thrice(tiny, second=[0.1, 0.2, 0.5, 0.6]), labels=Labels(("cat", "dog", "fox")), tiles="2x1,whole=no")
    raws = [detector.invoke(tensor) for tensor in detector.inputs(np.zeros((60, 110, 3), np.uint8))]
    left, right = detector.all_of(raws, 110, 60, ("cat",), 0.2)
    (first, second) = detector.tiles.windows(110, 60)
    assert (left.box.xmin, left.box.xmax) == pytest.approx((0.2 * first.width, 0.6 * first.width))
    assert right.box.xmin == pytest.approx(second.left + 0.2 * second.width)


def test_what_is_below_the_threshold_is_a_candidate(tiny):
    detector = Detector(tiny(signature=EXPORTER), score=0.8)
    raw = detector.invoke(detector.preprocess(IMAGE))
    found, candidates = detector.candidates(raw, 100, 100, 0.2)
    assert [item.score for item in found] == pytest.approx([0.9])
    assert [item.score for item in candidates] == pytest.approx([0.75, 0.25])
