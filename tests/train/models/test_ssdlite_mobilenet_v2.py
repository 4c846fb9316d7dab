"""The network has the published names, and is told from the one with plain heads."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf

from train import models
from train.checkpoints import variables
from train.geometry.size import InputSize

pytestmark = pytest.mark.long

NETWORK = models.find("ssdlite_mobilenet_v2")
SIZE = InputSize(64, 96)


@pytest.fixture(scope="module")
def model():
    return NETWORK.new(SIZE, 90)


def test_variables_are_those_of_the_published_checkpoint(model, shared):
    lines = (shared / "networks" / "keys" / "built_tf1_ssdlite_mobilenet_v2_coco.txt").read_text().splitlines()
    published = {name: json.loads(shape) for name, shape in (line.split(" float32 ") for line in lines)}
    assert {name: variable.shape.as_list() for name, variable in NETWORK.variables(model).items()} == published
    assert NETWORK.classes_in(published) == 90
    assert models.find("ssd_mobilenet_v2").classes_in(published) is None


def test_its_checkpoint_is_told_from_that_of_plain_heads(model, tmp_path):
    items = NETWORK.variables(model)
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "model.ckpt"),
        tensor_names=list(items),
        shape_and_slices=[""] * len(items),
        tensors=[tf.identity(variable) for variable in items.values()],
    )
    assert variables.network_of(tmp_path) is NETWORK


def test_the_folded_graph_gives_the_same(model):
    image = tf.constant(np.random.default_rng(0).uniform(-1, 1, (1, *SIZE, 3)), tf.float32)
    outputs = model(image)
    codes, logits = NETWORK.fold(model).frozen().run(image)
    np.testing.assert_allclose(tf.concat(codes, 1), outputs[0], rtol=0, atol=1e-4)
    np.testing.assert_allclose(tf.concat(logits, 1), outputs[1][..., 1:], rtol=0, atol=1e-4)
