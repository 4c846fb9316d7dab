from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from flatbuffers import flexbuffers

from runtime.model import class_count
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model, Operator
from tests.support import tiny_detector
from tests.support.paths import GOLDEN


@pytest.mark.parametrize("name", ["detector_int8", "detector_fp16", "detector_int8_raw"])
def test_the_kits_own_files(name):
    model = Model.read(GOLDEN / f"{name}.tflite")
    assert class_count.find(model, Metadata.of(model)) == 4


def with_options(options):
    """A tiny model whose one operator is the usual post-processing, with `options`."""
    model = Model.parse(tiny_detector.build())
    step = Operator("CUSTOM", (0,), (1,), 1, "TFLite_Detection_PostProcess", options)
    return dataclasses.replace(model, subgraphs=(dataclasses.replace(model.main, operators=(step,)),))


@pytest.mark.parametrize("classes", [1, 90, 365, 70_000])
def test_the_options_of_the_post_processing_say_it(classes):
    options = bytes(flexbuffers.Dumps({"max_detections": 10, "num_classes": classes, "y_scale": 10.0}))
    assert class_count.find(with_options(options), None) == classes


def test_options_that_are_damaged_say_nothing_and_hurt_nobody():
    whole = bytes(flexbuffers.Dumps({"num_classes": 90, "y_scale": 10.0}))
    random = np.random.default_rng(3)
    for _ in range(500):
        damaged = bytearray(whole)
        damaged[random.integers(len(damaged))] = random.integers(256)
        class_count.find(with_options(bytes(damaged[: random.integers(len(damaged) + 1)])), None)
    for options in (b"", b"\0\0\0", bytes(flexbuffers.Dumps([1])), bytes(flexbuffers.Dumps({"other": 1}))):
        assert class_count.find(with_options(options), None) is None


def test_a_model_that_says_nothing():
    assert class_count.find(Model.parse(tiny_detector.build()), None) is None
