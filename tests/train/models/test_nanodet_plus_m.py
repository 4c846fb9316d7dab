"""NanoDet-Plus-m: its published weights give the outputs of ncnn's runtime, as a Keras model and as a graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from runtime.common.errors import InputError
from runtime.inference import preprocessing
from train.geometry.size import InputSize
from train.layers.nanodet import NanoDet
from train.models.nanodet_plus_m import NETWORK
from train.network import nanodet_weights
from train.targets import distribution

SIZE = InputSize(320, 320)


@pytest.fixture(scope="module")
def model(shared: Path) -> NanoDet:
    """The network with the published weights of 320, for its 80 classes."""
    found = NETWORK.from_foreign(shared / "networks/nanodet_plus/nanodet-plus-m_320.param")
    assert isinstance(found, NanoDet)
    return found


@pytest.mark.parametrize("number", [0, 1])
def test_outputs_are_those_of_ncnn(model: NanoDet, shared: Path, number: int) -> None:
    golden = np.load(shared / "networks/nanodet_plus/golden_320.npz")
    image = preprocessing.normalize(golden[f"input_bgr_uint8_{number}"][..., ::-1])[None]
    codes, logits = model(image)
    np.testing.assert_allclose(codes[0, ::4], golden[f"reg_logits_{number}_every4th_point"], atol=1e-4)
    np.testing.assert_allclose(tf.sigmoid(logits)[0, ::4], golden[f"scores_{number}_every4th_point"], atol=4e-6)
    head = NETWORK.head(SIZE)
    boxes = distribution.boxes(codes, tf.constant(head.anchors), head.bins)[0].numpy() * 320
    expected = golden[f"boxes_xyxy_input_pixels_{number}"][:, [1, 0, 3, 2]]
    np.testing.assert_allclose(boxes.clip(0, 320), expected.clip(0, 320), atol=2e-3)


@pytest.mark.parametrize("size", [InputSize(96, 96), InputSize(160, 224)])
def test_the_folded_graph_computes_the_same_but_at_the_edge_of_the_image(model: NanoDet, size: InputSize) -> None:
    image = tf.constant(np.random.default_rng(0).uniform(-1, 1, (1, *size, 3)), tf.float32)
    graph = _folded(model, size)
    # Beyond the edge, the graph sees the middle of -1..1, and the model the mean of each color.
    offset, scale = model.offset.copy(), model.scale.copy()
    model.offset = np.zeros(3, np.float32)
    try:
        moved = _folded(model, size)
        expected = [tensor.numpy() for tensor in model(image)]
        found = [tf.concat(tensors, axis=1).numpy() for tensors in moved.run(image)]
    finally:
        model.offset, model.scale = offset, scale
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, atol=2e-4)
    assert {node.kind for node in graph.nodes} == {
        "add", "bilinear", "concat", "conv", "depthwise", "leaky_relu", "max_pool", "pad", "slice",
    }  # fmt: skip
    near = [tf.concat(tensors, axis=1) for tensors in graph.run(image)]
    scores = tf.sigmoid(near[1]) - tf.sigmoid(model(image)[1])
    assert float(tf.reduce_mean(tf.abs(scores))) < 2e-3


def _folded(model: NanoDet, size: InputSize):  # type: ignore[no-untyped-def]
    from train.graph.nanodet import fold

    return fold(model, NETWORK.head(size))


def test_there_are_as_many_points_as_published() -> None:
    assert [len(NETWORK.head(InputSize(side, side)).anchors) for side in (320, 416)] == [2125, 3598]
    assert len(NETWORK.head(InputSize(192, 320)).anchors) == 24 * 40 + 12 * 20 + 6 * 10 + 3 * 5


def test_every_variable_has_a_key_and_the_class_heads_are_known(model: NanoDet) -> None:
    keyed = NETWORK.variables(model)
    assert len(keyed) == len(model.variables)
    assert NETWORK.classes_in({key: variable.shape for key, variable in keyed.items()}) == 80
    by_classes = [key for key, variable in keyed.items() if variable.shape[-1:] == [80]]
    assert sorted(by_classes) == sorted(key for key in keyed if key.startswith(NETWORK.class_stems))
    guide, neck = (
        {key.removeprefix("aux_"): variable for key, variable in keyed.items() if key.startswith(start)}
        for start in ("aux_fpn.", "fpn.")
    )
    assert set(guide) == set(neck)
    for key, variable in guide.items():
        np.testing.assert_array_equal(variable, neck[key])


def test_without_its_guidance_module_a_network_assigns_and_learns_by_itself(model: NanoDet) -> None:
    own = NETWORK.new(InputSize(96, 96), 3, auxiliary=False)
    assert isinstance(own, NanoDet)
    module = {variable.ref() for part in (own.aux_fpn, own.aux_head) for variable in part.variables}
    assert module and not module & {variable.ref() for variable in own.trainable_variables}
    # A checkpoint has the same variables.
    assert NETWORK.variables(own).keys() == NETWORK.variables(model).keys()
    assert len(own(tf.zeros([1, 96, 96, 3]), training=True)) == 2
    _check_a_step(own)


def test_a_training_step_has_finite_losses_and_gradients_for_both_heads(model: NanoDet) -> None:
    assert len(model(tf.zeros([1, 96, 96, 3]), training=True)) == 4
    _check_a_step(model)


def _check_a_step(model: NanoDet) -> None:
    from train.network.network import LossSettings
    from train.targets.matching import Rule

    size = InputSize(96, 96)
    target = NETWORK.assign(size, Rule())(tf.constant([[0.1, 0.2, 0.6, 0.9]]), tf.constant([3]))
    targets = {name: value[None] for name, value in target.items()}
    losses = NETWORK.losses(size, LossSettings())
    with tf.GradientTape() as tape:
        outputs = model(tf.zeros([1, 96, 96, 3]), training=True)
        total = tf.add_n(losses(outputs, targets, tf.identity))
    gradients = tape.gradient(total, model.trainable_variables)
    assert np.isfinite(float(total))
    assert all(gradient is not None for gradient in gradients)
    assert all(np.isfinite(tf.convert_to_tensor(gradient).numpy()).all() for gradient in gradients)


def test_a_file_of_another_network_is_refused(model: NanoDet, tmp_path: Path) -> None:
    param = tmp_path / "other.param"
    param.write_text("7767517\n2 2\nInput data 0 1 data\nConvolution c 1 1 data out 0=33 1=1 5=0 6=99\n")
    param.with_suffix(".bin").write_bytes(bytes(4 + 4 * 99))
    with pytest.raises(InputError, match="not NanoDet-Plus-m"):
        nanodet_weights.from_published(param, lambda classes: model, NETWORK.fold)
