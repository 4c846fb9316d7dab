from __future__ import annotations

import random

import pytest

from runtime import InputError
from runtime.model.metadata import AssociatedFile, BoxLayout, Metadata
from runtime.model.tflite import Model
from tests.support import tiny_detector

NAMES = ("location", "category", "score", "number of detections")


def test_a_third_partys_metadata(shared):
    said = Metadata.of(Model.read(shared / "models/coco_ssd_mobilenet_v1_quant.tflite"))
    (image,) = said.inputs
    assert (image.name, image.mean, image.std) == ("image", (127.5,), (127.5,))
    assert (image.minimum, image.maximum) == ((0.0,), (255.0,))
    assert [output.name for output in said.outputs] == ["locations", "classes", "scores", "number of detections"]
    assert said.outputs[0].boxes == BoxLayout((1, 0, 3, 2), "BOUNDARIES", "RATIO")
    assert [file.name for file in said.all_files() if file.holds_labels] == ["labelmap.txt"]
    assert said.outputs[2].score_threshold is None


def test_a_file_without_any(shared):
    assert Metadata.of(Model.read(shared / "models/coco_ssd_mobilenet_v1_quant_no_metadata.tflite")) is None


def test_everything_that_is_read():
    said = Metadata.parse(
        tiny_detector.metadata(
            mean=(1, 2, 3), std=(4, 5, 6), outputs=NAMES, label_files=[("de.txt", "de"), ("labels.txt", "")],
            threshold=0.25, box_index=(0, 1, 2, 3),
        )
    )
    assert said.name == "Tiny"
    assert (said.inputs[0].mean, said.inputs[0].std) == ((1, 2, 3), (4, 5, 6))
    assert tuple(output.name for output in said.outputs) == NAMES
    assert said.outputs[1].files == (
        AssociatedFile("de.txt", "TENSOR_VALUE_LABELS", "de"), AssociatedFile("labels.txt", "TENSOR_VALUE_LABELS")
    )
    assert said.outputs[2].score_threshold == 0.25
    assert said.outputs[0].boxes.index == (0, 1, 2, 3)


def test_damaged_metadata_raises_input_errors_only():
    data = tiny_detector.metadata(mean=(1,), std=(2,), outputs=NAMES, label_files=[("labels.txt", "")], threshold=0.5)
    chance = random.Random(2)
    refused = 0
    for _ in range(2000):
        broken = bytearray(data[: chance.choice((len(data), chance.randrange(len(data))))])
        for _ in range(chance.choice((0, 1, 4))):
            if broken:
                broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            Metadata.parse(bytes(broken))
        except InputError:
            refused += 1
    assert refused > 400


def test_another_identifier_is_refused():
    data = bytearray(tiny_detector.metadata(outputs=NAMES))
    data[4:8] = b"M999"
    with pytest.raises(InputError, match=r"model\.tflite: its metadata"):
        Metadata.of(Model.parse(tiny_detector.build(metadata=bytes(data)), "model.tflite"))
