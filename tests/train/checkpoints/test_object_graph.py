"""Variables of a SavedModel, found through the graph of objects."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from runtime.common.errors import InputError
from tests.support import api_model, detector_320
from train.checkpoints import variables
from train.checkpoints.object_graph import ObjectGraph


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A SavedModel of the scratch network filled with values that tell variables apart, and those values."""
    model = detector_320.scratch()
    rng = np.random.default_rng(1)
    for variable in variables.variables(model).values():
        variable.assign(rng.normal(0, 1, variable.shape))
    folder = api_model.write_saved_model(tmp_path_factory.mktemp("saved"), model, "")
    return folder, {stem: variable.numpy() for stem, variable in variables.variables(model).items()}


@pytest.mark.parametrize("inside", ["", "saved_model"])
def test_the_variables_of_a_saved_model_are_taken(saved, inside):
    folder, values = saved
    model = detector_320.scratch()
    for variable in variables.variables(model).values():
        variable.assign(tf.zeros_like(variable))
    loaded = variables.load(model, folder / inside, whole=True)
    assert (len(loaded.taken), loaded.classes) == (384, 3)
    assert str(loaded.path).endswith("saved_model/variables/variables")
    for stem, variable in variables.variables(model).items():
        np.testing.assert_array_equal(variable.numpy(), values[stem], err_msg=stem)


def test_their_keys_say_nothing_by_themselves(saved):
    """What this is for; as TensorFlow 2.20 and Keras 2 save it, `_model/variables/0` and so on."""
    folder, _ = saved
    reader = tf.train.load_checkpoint(variables.resolve(folder))
    keys = [key for key in reader.get_variable_to_shape_map() if key.endswith("VARIABLE_VALUE")]
    # Beside them the counter that tf.train.Checkpoint adds.
    assert sum(key.startswith("_model/variables/") for key in keys) == 384
    graph = ObjectGraph(reader, "here")
    stem = "_feature_extractor/classification_backbone/layer_with_weights-0/kernel"
    assert graph.key(["_model", *stem.split("/")]).startswith("_model/variables/")
    assert graph.key(["_model", "_feature_extractor", "no_such"]) is None
    assert graph.key(["_model"]) is None


def test_a_saved_model_of_another_network_is_refused(tmp_path):
    tf.train.Checkpoint(_model=tf.train.Checkpoint(dense=tf.Variable(1.0))).write(str(tmp_path / "variables" / "variables"))
    with pytest.raises(InputError, match="not a checkpoint of "):
        variables.classes_of(tmp_path)
