"""The network compared with the published layout and the golden outputs of the Object Detection API."""

from __future__ import annotations

import json
import zlib

import cv2
import numpy as np
import pytest
import tensorflow as tf

from runtime.inference import preprocessing
from train import models
from train.checkpoints import variables
from train.geometry.size import InputSize
from train.network.network import LossSettings
from train.targets import box_coder
from train.targets.matching import Rule

pytestmark = pytest.mark.long

NETWORK = models.find("ssd_mobilenet_v1_fpn")
SIZE = InputSize(640, 640)


@pytest.fixture(scope="module")
def model(shared):
    model = NETWORK.new(SIZE, 90)
    loaded = variables.load(model, shared / "networks" / "ckpt_ssd_mobilenet_v1_fpn_640x640", whole=True)
    assert len(loaded.taken) == len(model.variables)
    return model


@pytest.fixture(scope="module")
def golden(shared):
    return np.load(shared / "networks" / "golden_ssd_mobilenet_v1_fpn_640x640.npz")


@pytest.fixture(scope="module")
def images(golden, shared):
    """Two images as the network takes them, float32 [1, 640, 640, 3]."""
    found = []
    for i, name in enumerate(("cat_720p.jpg", "grace_hopper.bmp")):
        image = preprocessing.resize(cv2.imread(str(shared / "images" / name)), 640)
        assert zlib.crc32(image.tobytes()) == int(golden[f"image_{i}"])
        found.append(tf.constant(preprocessing.normalize(image)[None]))
    return found


@pytest.fixture(scope="module")
def outputs(model, images):
    """Box codes and logits of each image."""
    return [model(image) for image in images]


def test_the_checkpoint_says_which_network_it_is(shared):
    folder = shared / "networks" / "ckpt_ssd_mobilenet_v1_fpn_640x640"
    assert variables.network_of(folder) is NETWORK and variables.classes_of(folder) == 90


def test_variables_are_the_published_ones(model, shared):
    published = json.loads((shared / "networks" / "keys_ssd_mobilenet_v1_fpn_640x640.json").read_text())
    assert {stem: v.shape.as_list() for stem, v in NETWORK.variables(model).items()} == published
    assert sum(int(np.prod(shape)) for shape in published.values()) == 12_125_178


def test_raw_outputs_are_the_golden_ones(model, golden, images, outputs):
    table = NETWORK.head(SIZE).anchors
    graph = NETWORK.fold(model).frozen()
    for i, fed in enumerate(images):
        codes, logits = (part[0] for part in outputs[i])
        every = int(golden["codes_every"])
        np.testing.assert_allclose(codes[::every], golden[f"box_codes_{i}"], rtol=0, atol=1e-4)
        decoded = box_coder.decode(codes, table)
        np.testing.assert_allclose(decoded[::every], golden[f"decoded_{i}"], rtol=0, atol=2e-5)
        every = int(golden["logits_every"])
        np.testing.assert_allclose(logits[::every], golden[f"class_logits_{i}"], rtol=0, atol=1.5e-4)
        folded_codes, folded_logits = graph.run(fed)
        np.testing.assert_allclose(tf.concat(folded_codes, 1)[0], codes, rtol=0, atol=3e-4)
        np.testing.assert_allclose(tf.concat(folded_logits, 1)[0], logits[:, 1:], rtol=0, atol=5e-4)


def test_matches_and_losses_are_the_golden_ones(golden, outputs):
    targets = []
    for i in range(len(outputs)):
        labels = golden[f"gt_labels_{i}"] + 1
        assign = NETWORK.assign(SIZE, Rule())
        targets.append(assign(tf.constant(golden[f"gt_boxes_{i}"], tf.float32), tf.constant(labels, tf.int32)))
        match = golden[f"match_{i}"]
        np.testing.assert_array_equal(targets[i]["classes"], np.where(match >= 0, labels[match], 0))
        np.testing.assert_allclose(targets[i]["codes"].numpy()[match >= 0], golden[f"positive_targets_{i}"], atol=1e-5)
    batch = {name: tf.stack([one[name] for one in targets]) for name in targets[0]}
    both = [tf.concat(parts, axis=0) for parts in zip(*outputs)]
    found = NETWORK.losses(SIZE, LossSettings())(both, batch, lambda number: number)
    wanted = [golden[f"loss_zoo_{name}"] for name in ("classification", "localization")]
    np.testing.assert_allclose([float(loss) for loss in found], wanted, rtol=3e-6)


def test_the_published_kernels_are_regularized(model):
    assert len(model.losses) == 44
