"""The network compared with the published names and the golden outputs of the Object Detection API."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf

from train import models
from train.checkpoints import variables
from train.geometry.size import InputSize
from train.network.network import LossSettings
from train.targets import box_coder
from train.targets.matching import Rule

pytestmark = pytest.mark.long

NETWORK = models.find("ssdlite_mobiledet_edgetpu")
NAME = "tf1_ssdlite_mobiledet_edgetpu_320x320_coco_sync_4x4"
SIZE = InputSize(320, 320)


@pytest.fixture(scope="module")
def golden(shared):
    return np.load(shared / "networks" / f"golden_{NAME}.npz")


@pytest.fixture(scope="module")
def model(shared):
    model = NETWORK.new(SIZE, 90)
    loaded = variables.load(model, shared / "networks" / f"ckpt_{NAME}", whole=True)
    assert len(loaded.taken) == len(model.variables) == 429
    return model


@pytest.fixture(scope="module")
def images(golden):
    return tf.constant(np.stack([golden["image_0"], golden["image_1"]]).astype(np.float32) / 127.5 - 1)


@pytest.fixture(scope="module")
def outputs(model, images):
    return model(images)


def test_the_checkpoint_says_which_network_it_is(shared):
    assert variables.network_of(shared / "networks" / f"ckpt_{NAME}") is NETWORK


def test_variables_are_those_of_the_published_checkpoint(model, shared):
    lines = (shared / "networks" / "keys" / f"built_{NAME}.txt").read_text().splitlines()
    published = {name: json.loads(shape) for name, shape in (line.split(" float32 ") for line in lines)}
    assert {name: variable.shape.as_list() for name, variable in NETWORK.variables(model).items()} == published
    assert sum(int(np.prod(shape)) for shape in published.values()) == 4_196_095


def test_raw_outputs_are_the_golden_ones(golden, outputs):
    table = NETWORK.head(SIZE).anchors
    for i, (codes, logits) in enumerate(zip(*outputs)):
        np.testing.assert_allclose(codes, golden[f"box_codes_{i}"], rtol=0, atol=2e-4)
        np.testing.assert_allclose(logits[::5], golden[f"class_logits_{i}"], rtol=0, atol=4e-4)
        np.testing.assert_allclose(box_coder.decode(codes, table), golden[f"decoded_{i}"], rtol=0, atol=3e-5)


def test_the_folded_graph_gives_the_same(model, images, outputs):
    codes, logits = NETWORK.fold(model).frozen().run(images)
    np.testing.assert_allclose(tf.concat(codes, 1), outputs[0], rtol=0, atol=1e-3)
    np.testing.assert_allclose(tf.concat(logits, 1), outputs[1][..., 1:], rtol=0, atol=2e-3)


def test_losses_are_the_golden_ones(golden, outputs):
    assign = NETWORK.assign(SIZE, Rule())
    targets = [
        assign(tf.constant(golden[f"gt_boxes_{i}"], tf.float32), tf.constant(golden[f"gt_labels_{i}"] + 1, tf.int32))
        for i in range(2)
    ]
    batch = {name: tf.stack([target[name] for target in targets]) for name in targets[0]}
    found = NETWORK.losses(SIZE, LossSettings())(outputs, batch, lambda number: number)
    wanted = [golden["loss_classification_loss"], golden["loss_localization_loss"]]
    np.testing.assert_allclose([float(loss) for loss in found], wanted, rtol=5e-6)


def test_other_classes_leave_out_the_class_heads_alone(shared):
    found = variables.load(NETWORK.new(InputSize(96, 160), 2), shared / "networks" / f"ckpt_{NAME}")
    assert len(found.left_out) == 12 and found.classes == 90
    assert all("/ClassPredictor/" in name for name in found.left_out)
