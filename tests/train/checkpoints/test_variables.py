"""Checkpoints: round trip, other numbers of classes, damaged files, other networks, and where they are found."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from runtime.common.errors import InputError
from tests.support import detector_320
from train import models
from train.checkpoints import variables
from train.geometry.size import InputSize

HEAD = "_box_predictor/_prediction_heads/class_predictions_with_background/_class_predictor_layers/0"


@pytest.fixture
def model():
    """The scratch network, filled with values that tell variables apart."""
    model = detector_320.scratch()
    rng = np.random.default_rng(0)
    for variable in variables.variables(model).values():
        variable.assign(rng.normal(0, 1, variable.shape))
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """A checkpoint of the scratch network, as it is."""
    folder = tmp_path_factory.mktemp("saved")
    variables.save(detector_320.scratch(), folder)
    return folder


def values(model) -> dict[str, np.ndarray]:
    return {stem: variable.numpy() for stem, variable in variables.variables(model).items()}


def write(folder: Path, tensors: dict[str, np.ndarray]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    tf.raw_ops.SaveV2(
        prefix=str(folder / "ckpt-0"),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=list(tensors.values()),
    )
    return folder


def clear(model) -> None:
    for variable in variables.variables(model).values():
        variable.assign(tf.zeros_like(variable))


@pytest.mark.parametrize(("half", "tolerance", "most"), [(False, 0, 11e6), (True, 1e-3, 5.6e6)])
def test_save_and_load_round_trip(half, tolerance, most, model, tmp_path):
    before = values(model)
    prefix = variables.save(model, tmp_path, half=half)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ckpt-0.data-00000-of-00001", "ckpt-0.index"]
    assert (tmp_path / "ckpt-0.data-00000-of-00001").stat().st_size < most
    clear(model)
    loaded = variables.load(model, prefix, whole=True)
    assert len(loaded.taken) == 384 and not loaded.left_out and loaded.classes == 3
    for stem, value in values(model).items():
        np.testing.assert_allclose(value, before[stem], rtol=tolerance, atol=tolerance, err_msg=stem)


def test_keys_are_those_that_tensorflow_gives_the_model(model, tmp_path):
    theirs = tf.train.Checkpoint(model=model).write(str(tmp_path / "theirs"))
    ours = variables.save(model, tmp_path / "ours")
    shapes = [tf.train.load_checkpoint(prefix).get_variable_to_shape_map() for prefix in (theirs, ours)]
    shapes[0].pop("_CHECKPOINTABLE_OBJECT_GRAPH")
    shapes[0].pop("save_counter/.ATTRIBUTES/VARIABLE_VALUE", None)
    assert shapes[1].pop("network/.ATTRIBUTES/VARIABLE_VALUE") == []
    assert shapes[0] == shapes[1]
    assert list(variables.differing_keys(theirs, ours)) == []
    clear(model)
    assert len(variables.load(model, theirs, whole=True).taken) == 384


def test_another_number_of_classes_leaves_out_two_variables_of_the_class_head(model, shared):
    before = values(model)
    path = shared / "checkpoints" / "fpnlite320_standin"
    loaded = variables.load(model, path)
    assert loaded.left_out == (f"{HEAD}/pointwise_kernel", f"{HEAD}/bias")
    assert len(loaded.taken) == 382 and loaded.classes == 90
    after = values(model)
    changed = {stem for stem in after if not np.array_equal(before[stem], after[stem])}
    assert changed == set(loaded.taken)
    assert str(loaded).endswith(
        "382 of 384 variables taken; left out, being for 90 classes:"
        " _class_predictor_layers/0/pointwise_kernel, _class_predictor_layers/0/bias"
    )
    with pytest.raises(InputError, match="another number of classes than 3"):
        variables.load(model, path, whole=True)


@pytest.mark.parametrize("name", ["nanodet_plus_m", "ssd_mobilenet_v2"])
def test_more_classes_keep_what_is_known_of_the_first_ones(name, tmp_path):
    network, size = models.find(name), InputSize(96, 96)
    small, large = network.new(size, 2), network.new(size, 3)
    prefix = variables.save(small, tmp_path)
    new = values(large)
    loaded = variables.load(large, prefix, more_classes=True)
    assert not loaded.left_out and loaded.classes == 2
    assert loaded.extended and all(stem.startswith(network.class_stems) for stem in loaded.extended)
    image = np.random.default_rng(0).normal(0, 1, (1, 96, 96, 3)).astype(np.float32)
    kept = network.background + 2
    for before, after in zip(small(image, training=False), large(image, training=False)):
        np.testing.assert_allclose(after[..., : before.shape[-1]], before, rtol=1e-4, atol=1e-5)
    # The columns of the new class are as the network began.
    for stem in loaded.extended:
        columns = variables.variables(large)[stem].numpy().reshape(-1, kept + 1)[:, -1]
        np.testing.assert_array_equal(columns, new[stem].reshape(-1, kept + 1)[:, -1])


def test_differing_keys(model, tmp_path):
    first = variables.save(model, tmp_path / "a")
    variables.variables(model)[f"{HEAD}/bias"].assign_add(tf.ones([24]))
    second = variables.save(model, tmp_path / "b")
    assert list(variables.differing_keys(first, second)) == [f"model/{HEAD}/bias/.ATTRIBUTES/VARIABLE_VALUE"]


def cut(folder: Path) -> None:
    data = folder / "ckpt-0.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:100_000])


def flip_a_bit(folder: Path) -> None:
    data = folder / "ckpt-0.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 4
    data.write_bytes(content)


def no_data(folder: Path) -> None:
    (folder / "ckpt-0.data-00000-of-00001").unlink()


def no_index(folder: Path) -> None:
    (folder / "ckpt-0.index").write_bytes(b"not an index, though long enough to have a footer" * 3)


@pytest.mark.parametrize("damage", [cut, flip_a_bit, no_data, no_index])
def test_a_damaged_checkpoint_is_refused_in_one_line(damage, saved, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(saved, folder)
    damage(folder)
    with pytest.raises(InputError, match="cannot be read as a checkpoint") as caught:
        variables.load(detector_320.scratch(), folder)
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda key, value: None if key.endswith("top_layers/0/bias") else value, "it has no .*top_layers/0/bias"),
        (lambda key, value: value[..., :1] if key.endswith("top_layers/0/bias") else value, "has another shape for"),
        (lambda key, value: value + np.nan if key.endswith("top_layers/0/bias") else value, "not finite"),
    ],
)
def test_a_checkpoint_of_another_network_or_damaged_is_refused_and_changes_nothing(change, message, model, tmp_path):
    stems = values(model)
    changed = {f"model/{stem}/.ATTRIBUTES/VARIABLE_VALUE": change(stem, value) for stem, value in stems.items()}
    write(tmp_path, {key: value for key, value in changed.items() if value is not None})
    clear(model)
    with pytest.raises(InputError, match=message):
        variables.load(model, tmp_path)
    assert not any(value.any() for value in values(model).values())


def test_another_network_is_refused(tmp_path):
    write(tmp_path, {"dense/kernel": np.ones(3, np.float32)})
    for read in (lambda: variables.load(detector_320.scratch(), tmp_path), lambda: variables.classes_of(tmp_path)):
        with pytest.raises(InputError, match="not a checkpoint of "):
            read()


@pytest.mark.parametrize("inside", ["", "checkpoint", "checkpoints/best", "checkpoints/last", "best", "last"])
def test_a_checkpoint_is_found_in_each_known_folder(inside, tmp_path):
    folder = write(tmp_path / inside, {"x": np.ones(3, np.float32)})
    assert variables.resolve(tmp_path) == str(folder / "ckpt-0")


def test_of_a_run_the_best_is_taken(tmp_path):
    for name in ("best", "last"):
        write(tmp_path / "checkpoints" / name, {"x": np.ones(3, np.float32)})
    assert variables.resolve(tmp_path) == str(tmp_path / "checkpoints" / "best" / "ckpt-0")


def test_of_several_the_one_in_the_state_file_is_taken_else_the_newest(tmp_path):
    model = tf.train.Checkpoint(x=tf.Variable(1.0))
    manager = tf.train.CheckpointManager(model, str(tmp_path), max_to_keep=3)
    manager.save()
    manager.save()
    model.write(str(tmp_path / "ckpt-10"))
    assert variables.resolve(tmp_path) == str(tmp_path / "ckpt-2")
    (tmp_path / "checkpoint").unlink()
    assert variables.resolve(tmp_path) == str(tmp_path / "ckpt-10")
    (tmp_path / "ckpt-10.data-00000-of-00001").unlink()
    assert variables.resolve(tmp_path) == str(tmp_path / "ckpt-2")


def test_of_tensorflow_1s_the_one_with_the_highest_number_is_taken(tmp_path):
    """Its state file has absolute paths, which are wrong where the folder was copied from elsewhere."""
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/content/training/model.ckpt-1200"')
    for number in ("900", "1200", "0"):
        (tmp_path / f"model.ckpt-{number}.index").touch()
    assert variables.resolve(tmp_path) == str(tmp_path / "model.ckpt-1200")


@pytest.mark.parametrize("name", ["ckpt-0", "ckpt-0.index", "ckpt-0.data-00000-of-00001"])
def test_a_prefix_or_one_of_its_files_will_do(name, tmp_path):
    write(tmp_path, {"x": np.ones(3, np.float32)})
    assert variables.resolve(tmp_path / name) == str(tmp_path / "ckpt-0")
    with pytest.raises(InputError, match="no checkpoint here"):
        variables.resolve(tmp_path / f"other-{name}")
