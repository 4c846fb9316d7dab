"""Both networks of this name compared with the published layouts and the golden outputs of the Object Detection API."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from runtime.common.errors import InputError
from train import models
from train.checkpoints import variables
from train.geometry.size import InputSize
from train.network.network import LossSettings
from train.targets import box_coder, matching

pytestmark = pytest.mark.long

CHECKPOINTS = {
    "ssd_mobilenet_v2": "tf1_ssd_mobilenet_v2_coco_2018_03_29",
    "ssd_mobilenet_v2_keras": "ssd_mobilenet_v2_320x320",
}
KERNELS_WITH_L2 = {"ssd_mobilenet_v2": 59, "ssd_mobilenet_v2_keras": 72}
VALUES = {"ssd_mobilenet_v2": 16_876_287, "ssd_mobilenet_v2_keras": 6_103_999}


class Loaded:
    """A network with its golden file, and its model with the weights of the checkpoint, which tests must not change."""

    def __init__(self, name: str, shared: Path):
        self.network = models.find(name)
        self.folder = shared / "networks" / f"ckpt_{CHECKPOINTS[name]}"
        self.golden = np.load(shared / "networks" / f"golden_{CHECKPOINTS[name]}.npz")
        self.size = InputSize(*map(int, self.golden["size"]))
        self.model = self.network.new(self.size, 90)
        self.taken = variables.load(self.model, self.folder, whole=True).taken
        self.images = tf.constant(np.stack([self.golden["image_0"], self.golden["image_1"]]).astype(np.float32) / 127.5 - 1)
        self.outputs = self.model(self.images)


# Building a network takes seconds.
load = functools.cache(Loaded)


@pytest.fixture(scope="module", params=list(CHECKPOINTS))
def loaded(request, shared):
    return load(request.param, shared)


def test_the_checkpoint_says_which_network_it_is(loaded):
    assert variables.network_of(loaded.folder) is loaded.network
    assert variables.classes_of(loaded.folder) == 90


def test_variables_are_those_of_the_published_checkpoint(loaded, shared):
    networks, name = shared / "networks", loaded.network.name
    if name == "ssd_mobilenet_v2_keras":
        published = json.loads((networks / "keys_ssd_mobilenet_v2_320x320.json").read_text())
    else:
        lines = (networks / "keys" / "zoo_tf1_ssd_mobilenet_v2_coco_2018_03_29.txt").read_text().splitlines()
        parts = [line.split(" float32 ") for line in lines if " float32 " in line]
        published = {stem: json.loads(shape) for stem, shape in parts}
    assert {stem: v.shape.as_list() for stem, v in loaded.network.variables(loaded.model).items()} == published
    assert sum(int(np.prod(shape)) for shape in published.values()) == VALUES[name]
    assert len(loaded.taken) == len(published) == len(loaded.model.variables)


def test_raw_outputs_are_the_golden_ones(loaded):
    golden, (codes, logits) = loaded.golden, loaded.outputs
    table = loaded.network.head(loaded.size).anchors
    for i in range(2):
        every = int(golden["codes_every"])
        np.testing.assert_allclose(codes[i][::every], golden[f"box_codes_{i}"], rtol=0, atol=1e-4)
        every = int(golden["logits_every"])
        np.testing.assert_allclose(logits[i][::every], golden[f"class_logits_{i}"], rtol=0, atol=1e-4)
        np.testing.assert_allclose(box_coder.decode(codes[i], table), golden[f"decoded_{i}"], rtol=0, atol=2e-5)


def test_the_folded_graph_gives_the_same(loaded):
    codes, logits = loaded.network.fold(loaded.model).frozen().run(loaded.images)
    np.testing.assert_allclose(tf.concat(codes, 1), loaded.outputs[0], rtol=0, atol=3e-4)
    np.testing.assert_allclose(tf.concat(logits, 1), loaded.outputs[1][..., 1:], rtol=0, atol=5e-4)


def test_anchors_are_the_golden_ones(loaded):
    table = loaded.network.head(loaded.size).anchors
    np.testing.assert_allclose(_corners(table), loaded.golden["anchors_corners"], rtol=0, atol=1e-6)


def test_anchors_of_other_sizes(shared):
    golden = np.load(shared / "networks" / "golden_ssd_mobilenet_v2_anchor_sizes.npz")
    sizes = {key.split("_")[1] for key in golden.files if key.startswith("anchors_")}
    assert {"256x256", "320x320", "192x320", "224x288"} <= sizes
    for size in sizes:
        table = models.find("ssd_mobilenet_v2").head(InputSize.of(size)).anchors
        np.testing.assert_allclose(_corners(table)[::4], golden[f"anchors_{size}"], rtol=0, atol=1e-6)


def _corners(table: np.ndarray) -> np.ndarray:
    half = table[:, 2:] / 2
    return np.concatenate((table[:, :2] - half, table[:, :2] + half), axis=1)


def _targets(loaded, first_box_wins: bool = True):
    table = tf.constant(loaded.network.head(loaded.size).anchors)
    made = [
        matching.match(
            tf.constant(loaded.golden[f"gt_boxes_{i}"], tf.float32),
            tf.constant(loaded.golden[f"gt_labels_{i}"] + 1, tf.int32),
            table,
            first_box_wins=first_box_wins,
        )
        for i in range(2)
    ]
    codes, classes = (tf.stack(parts) for parts in zip(*made))
    return {"codes": codes, "classes": classes}


def test_matches_are_the_golden_ones(loaded):
    if "match_0" not in loaded.golden.files:
        pytest.skip("this golden file has no matches; both networks match alike")
    targets = _targets(loaded)
    for i in range(2):
        match = loaded.golden[f"match_{i}"]
        wanted = np.where(match >= 0, (loaded.golden[f"gt_labels_{i}"] + 1)[match], 0)
        np.testing.assert_array_equal(targets["classes"][i], wanted)
        np.testing.assert_allclose(targets["codes"][i][match >= 0], loaded.golden[f"positive_targets_{i}"], atol=1e-5)


def test_losses_are_the_golden_ones(loaded):
    golden = loaded.golden
    names = ("loss_zoo_classification", "loss_zoo_localization")
    if names[0] not in golden.files:
        names = ("loss_classification_loss", "loss_localization_loss")
    of_batch = loaded.network.losses(loaded.size, LossSettings())
    found = of_batch(loaded.outputs, _targets(loaded), lambda number: number)
    np.testing.assert_allclose([float(loss) for loss in found], [golden[name] for name in names], rtol=3e-6)


def test_the_published_kernels_are_regularized(loaded):
    assert len(loaded.model.losses) == KERNELS_WITH_L2[loaded.network.name]


def test_hard_example_mining_of_the_other_network(shared):
    from train.targets.hard_mining import mined_losses
    from train.targets.losses import positive_anchors

    loaded = load("ssd_mobilenet_v2_keras", shared)
    targets = _targets(loaded)
    positives = positive_anchors(targets["classes"])
    table = tf.constant(loaded.network.head(loaded.size).anchors)
    found = mined_losses(*loaded.outputs, targets["codes"], targets["classes"], positives, table)
    wanted = [loaded.golden[f"loss_tf1_hard_mining_{name}"] for name in ("classification", "localization")]
    np.testing.assert_allclose([float(loss) for loss in found], wanted, rtol=3e-6)


def test_other_classes_leave_out_the_class_heads_alone(loaded):
    model = loaded.network.new(loaded.size, 2)
    found = variables.load(model, loaded.folder)
    assert len(found.left_out) == 12 and found.classes == 90
    assert all("lass" in stem for stem in found.left_out)


def test_a_checkpoint_of_the_other_network_is_named_and_changes_nothing(loaded, shared):
    (other,) = loaded.network.also
    model = load(other, shared).model
    before = [variable.numpy() for variable in model.variables]
    with pytest.raises(InputError, match=f"--model {loaded.network.name}$"):
        variables.load(model, loaded.folder)
    assert all(np.array_equal(old, variable) for old, variable in zip(before, model.variables))


def test_the_class_heads_of_a_configuration_with_dropout_are_found(shared, tmp_path):
    loaded = load("ssd_mobilenet_v2_keras", shared)
    items = {
        stem.replace("_class_predictor_layers/0", "_class_predictor_layers/1"): variable
        for stem, variable in loaded.network.variables(loaded.model).items()
    }
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "ckpt-0"),
        tensor_names=[f"model/{stem}/.ATTRIBUTES/VARIABLE_VALUE" for stem in items],
        shape_and_slices=[""] * len(items),
        tensors=[tf.identity(variable) for variable in items.values()],
    )
    assert variables.classes_of(tmp_path) == 90
    found = variables.load(loaded.network.new(loaded.size, 90), tmp_path, whole=True)
    assert len(found.taken) == len(items)


def test_the_initial_checkpoint_decides_between_two_networks_of_one_name(shared):
    from train.run.options import Options
    from train.training.training import _with_network_of_init

    said: list[str] = []
    for name, checkpoint in CHECKPOINTS.items():
        given = Options(model="ssd_mobilenet_v2", init=str(shared / "networks" / f"ckpt_{checkpoint}"))
        assert _with_network_of_init(given, said.append).model == name
    assert len(said) == 1 and "--model ssd_mobilenet_v2_keras" in said[0]
