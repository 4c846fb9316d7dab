"""The network compared with the published layout and the golden outputs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import tensorflow as tf

from runtime.common.errors import InputError
from runtime.inference import preprocessing
from tests.support import detector_320
from tests.support.anchors import anchors
from train.checkpoints import variables as checkpoints
from train.geometry.size import InputSize
from train.layers.layers import BatchNormSettings
from train.layers.pyramid_detector import upsample
from train.targets import box_coder

SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


@pytest.fixture(scope="module")
def model(shared):
    return detector_320.standin(shared)


@pytest.fixture(scope="module")
def golden(shared):
    return np.load(shared / "checkpoints" / "fpnlite320_standin" / "golden.npz")


def test_variables_are_those_of_the_published_index(model, shared, tmp_path):
    (tmp_path / "ckpt-0.index").write_bytes((shared / "checkpoints" / "zoo_ckpt-0.index").read_bytes())
    shapes = tf.train.load_checkpoint(str(tmp_path / "ckpt-0")).get_variable_to_shape_map()
    published = {key: shape for key, shape in shapes.items() if key.startswith("model/")}
    found = {f"model/{stem}{SUFFIX}": variable.shape.as_list() for stem, variable in checkpoints.variables(model).items()}
    assert found == published


def test_number_of_variables_and_values(model):
    variables = checkpoints.variables(model).values()
    assert len(variables) == len(model.variables) == 384
    assert sum(int(np.prod(variable.shape)) for variable in variables) == 2_667_002


def test_raw_outputs_are_the_golden_ones(model, golden):
    images = np.stack([golden["image_0"], golden["image_1"]]).astype(np.float32) / 127.5 - 1
    codes, logits = model(images)
    assert codes.shape == (2, 12804, 4) and logits.shape == (2, 12804, 91)
    for i in range(2):
        np.testing.assert_allclose(codes[i], golden[f"box_codes_{i}"], rtol=0, atol=1e-3)
        np.testing.assert_allclose(logits[i][::16], golden[f"class_logits_every16_{i}"], rtol=0, atol=1e-3)
        decoded = box_coder.decode(codes[i], anchors(320))
        np.testing.assert_allclose(decoded[::16], golden[f"decoded_every16_{i}"], rtol=0, atol=1e-3)


def test_traced_it_has_no_rank_5_and_985_million_multiply_adds(model):
    traced = tf.function(lambda image: model(image)).get_concrete_function(tf.TensorSpec([1, 320, 320, 3]))
    total = 0
    for operation in _operations(traced.graph):
        for tensor in operation.outputs:
            assert tensor.shape.rank is None or tensor.shape.rank < 5, operation.name
        if operation.type in ("Conv2D", "DepthwiseConv2dNative"):
            kernel = operation.inputs[1].shape
            # A depthwise kernel is [kh, kw, in, 1]: each output channel reads one input channel.
            reads = kernel[0] * kernel[1] * (kernel[2] if operation.type == "Conv2D" else 1)
            total += reads * operation.outputs[0].shape.num_elements()
    assert round(total / 1e6) == 985


def _operations(graph):
    yield from graph.get_operations()
    for function in graph._functions.values():
        yield from _operations(function.graph)


def test_upsampling_repeats_each_value_twice():
    x = np.arange(12, dtype=np.float32).reshape(1, 2, 3, 2)
    np.testing.assert_array_equal(upsample(tf.constant(x)), x.repeat(2, axis=1).repeat(2, axis=2))


@pytest.mark.parametrize("frozen", [False, True])
def test_frozen_statistics_stay_while_scale_and_offset_are_trained(frozen):
    layer = BatchNormSettings(momentum=0.9, frozen=frozen).layer()
    x = tf.constant(np.random.default_rng(0).normal(3, 2, (4, 5, 5, 6)), tf.float32)
    layer.build(x.shape)
    before = [variable.numpy() for variable in (layer.moving_mean, layer.moving_variance)]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x, training=True) ** 2)
    gradients = tape.gradient(loss, [layer.gamma, layer.beta])
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)
    after = [variable.numpy() for variable in (layer.moving_mean, layer.moving_variance)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after)) == frozen
    if not frozen:
        np.testing.assert_allclose(after[0], 0.1 * x.numpy().mean(axis=(0, 1, 2)), rtol=1e-4)


def test_the_published_kernels_are_regularized():
    """Backbone, laterals, and the depthwise kernels alone of smoothing, coarse layers and tower."""
    assert len(detector_320.scratch().losses) == 52 + 3 + 2 + 2 + 4


def test_another_size_is_refused():
    with pytest.raises(InputError, match="multiples of 32 from 96 to 1280, not 300; the nearest is 288"):
        detector_320.NETWORK.new(InputSize(300, 300), 1)


@pytest.mark.parametrize("size", ["256x256", "192x320", "320x192", "384x384", "448x448"])
def test_raw_outputs_of_other_sizes_are_the_published_networks(size, shared):
    golden = np.load(shared / "networks" / "golden_fpnlite_standin_sizes.npz")
    height, width = InputSize.of(size)
    model = detector_320.NETWORK.new(InputSize(height, width), 90)
    checkpoints.load(model, shared / "checkpoints" / "fpnlite320_standin", whole=True)
    for i, name in enumerate(("cat_720p.jpg", "grace_hopper.bmp")):
        image = preprocessing.resize(cv2.imread(str(shared / "images" / name)), (height, width))
        codes, logits = model(preprocessing.normalize(image)[None])
        np.testing.assert_allclose(codes[0][::16], golden[f"{size}_box_codes_every16_{i}"], rtol=0, atol=1e-4)
        np.testing.assert_allclose(logits[0][::64], golden[f"{size}_class_logits_every64_{i}"], rtol=0, atol=1e-4)
        decoded = box_coder.decode(codes[0], anchors(size))
        np.testing.assert_allclose(decoded[::16], golden[f"{size}_decoded_every16_{i}"], rtol=0, atol=1e-5)
