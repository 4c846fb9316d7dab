"""Folding, calibration, ranges and equalization."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import runtime.media.images
from convert.evaluation.images import of_files
from runtime.common.errors import InputError
from runtime.inference import preprocessing
from tests.support import detector_320
from train.graph.graph import Node
from train.quantization import calibration, ranges
from train.quantization.activation_statistics import ActivationStatistics
from train.quantization.equalization import factors, rescale
from train.quantization.quantization import METHODS, Range


@pytest.fixture(scope="module")
def model():
    model = detector_320.build(2)
    # Statistics, scale and centre as after training, so that folding has something to fold.
    draw = np.random.default_rng(0)
    for variable in model.variables:
        name = variable.name.rsplit("/", 1)[-1]
        if name.startswith(("moving_variance", "gamma")):
            variable.assign(draw.uniform(0.5, 2.0, variable.shape))
        elif name.startswith(("moving_mean", "beta")):
            variable.assign(draw.normal(0.0, 0.3, variable.shape))
    return model


@pytest.fixture(scope="module")
def graph(model):
    return model.network.fold(model).frozen()


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(1).uniform(-1, 1, (1, 320, 320, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def seen(graph, image):
    return calibration.collect_statistics(graph, [image, image[:, ::-1] * 0.5])


def test_folded_graph_is_the_network_without_its_background_column(model, graph, image):
    codes, logits = model(image, training=False)
    folded_codes, folded_logits = graph.run(tf.constant(image))
    np.testing.assert_allclose(tf.concat(folded_codes, 1), codes, atol=1e-4)
    np.testing.assert_allclose(tf.concat(folded_logits, 1), logits[..., 1:], atol=1e-4)


def test_gradients_reach_the_models_variables(model, image):
    with tf.GradientTape() as tape:
        codes, logits = model.network.fold(model).run(tf.constant(image))
        loss = tf.add_n([tf.reduce_sum(tf.square(x)) for x in (*codes, *logits)])
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(gradient is not None for gradient in gradients)


def test_statistics_cover_every_tensor(graph, seen, image):
    assert set(seen) == {"image", *(node.name for node in graph.nodes)}
    assert seen["image"].lows.min() == pytest.approx(image.min())
    assert len(seen["stem"].sample) == len(seen["stem"].channels) == 2 * 1024
    stem = seen["stem"]
    assert np.all(stem.sample <= stem.highs[stem.channels] + 1e-6)
    assert np.all(stem.sample >= stem.lows[stem.channels] - 1e-6)


def test_calibration_without_images_is_refused(graph):
    with pytest.raises(InputError, match="no images"):
        calibration.collect_statistics(graph, [])


def test_calibration_uses_the_runtimes_preprocessing(tmp_path):
    image = np.random.default_rng(2).integers(0, 256, (90, 140, 3), np.uint8)
    runtime.media.images.write(tmp_path / "a.png", image)
    (normalized,) = calibration.images([image.load for image in of_files([tmp_path / "a.png"])], 320)
    np.testing.assert_array_equal(normalized[0], preprocessing.normalize(preprocessing.resize(image, 320)))


def test_equalization_does_not_change_the_float_outputs(graph, seen, image):
    found = factors(graph, seen)
    equal = rescale(graph, found)
    before, after = (g.run(tf.constant(image)) for g in (graph, equal))
    for group_before, group_after in zip(before, after):
        for x, y in zip(group_before, group_after):
            np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-4)
    again = calibration.collect_statistics(equal, [image, image[:, ::-1] * 0.5])
    name = "tower_0_level_3_depthwise"
    expected = seen[name].scaled(found[name])
    np.testing.assert_allclose(expected.highs, again[name].highs, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(expected.sample, again[name].sample, rtol=1e-3, atol=1e-5)


def test_equalization_brings_channels_to_one_magnitude(graph, seen):
    name = "boxes_level_4_depthwise"
    factor = factors(graph, seen, strength=1.0)[name]
    magnitude, spread = (tensor.magnitude for tensor in (seen[name].scaled(factor), seen[name]))
    audible = spread > spread.max() / 256
    np.testing.assert_allclose(magnitude[audible], spread.max(), rtol=1e-4)
    assert spread[audible].min() < 0.8 * spread.max(), "the test would say nothing on equal channels"
    np.testing.assert_array_equal(magnitude[~audible], spread[~audible])


@pytest.mark.parametrize("method", METHODS)
def test_concatenated_levels_share_a_range(graph, seen, method):
    chosen = ranges.choose(graph, seen, method)
    assert set(chosen) == set(seen)
    assert len({chosen[name] for name in graph.box_heads}) == 1
    assert len({chosen[name] for name in graph.class_heads}) == 1
    assert chosen["image"] == Range(-1.0, 1.0)
    assert chosen["upsample_2"] == chosen["projection_3"]
    assert all(span.low <= 0 <= span.high and span.low < span.high for span in chosen.values())


def test_logits_below_a_score_of_zero_are_not_covered(graph, seen):
    far = dict(seen)
    for name in graph.class_heads:
        far[name] = ActivationStatistics(seen[name].lows - 50, seen[name].highs, seen[name].sample - 10, seen[name].channels)
    low = ranges.choose(graph, far, "minmax")[graph.class_heads[0]].low
    assert 1 / (1 + np.exp(-low)) == pytest.approx(1 / 512)


def test_mse_clips_an_outlier_and_keeps_the_rest():
    values = np.random.default_rng(3).normal(0, 1, 1_000_000)
    values[0] = 12.0
    one = ActivationStatistics(values.min(keepdims=True), values.max(keepdims=True), values, np.zeros(values.size, int))
    span = ranges._least_error([one])
    assert 4.0 < span.high < 9.0
    assert span.low < -3.0

    def error(low, high):
        step = (high - low) / 255
        return np.mean(np.square(np.clip(np.round(values / step) * step, low, high) - values))

    assert error(span.low, span.high) < error(values.min(), values.max())


def test_selected_images_are_the_same_every_time(tmp_path):
    everything = of_files(tmp_path / f"{i:03}.jpg" for i in range(100))
    chosen = calibration.choose(everything, 20)
    assert len(chosen) == 20 and chosen == calibration.choose(everything, 20)
    assert [image.id for image in chosen] == sorted(image.id for image in chosen)
    assert min(int(image.id[:3]) for image in chosen) < 25 and max(int(image.id[:3]) for image in chosen) > 75
    assert calibration.choose(everything[:5], 20) == everything[:5]


def test_no_more_images_are_selected_than_asked_for_when_names_occur_twice(tmp_path):
    everything = of_files(tmp_path / folder / f"{i}.jpg" for folder in "ab" for i in range(3))
    assert len({image.id for image in everything}) < len(everything) == 6
    for count in range(7):
        chosen = calibration.choose(everything, count)
        assert len(chosen) == count
        assert list(chosen) == [image for image in everything if any(image is one for one in chosen)]


class Doubling:
    """A graph of the image and of one tensor, its channels times 1, -2 and 3."""

    size = (2, 2)
    nodes = (Node("scaled", "conv", ("image",), np.zeros((1, 1, 3, 3), np.float32), np.zeros(3, np.float32)),)

    def run(self, image, hook):
        hook("image", image)
        hook("scaled", image * tf.constant([1.0, -2.0, 3.0]))


def test_statistics_are_those_of_each_channel_over_all_images():
    images = [np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3) / 12 - shift for shift in (0.2, 0.7)]
    found = calibration.collect_statistics(Doubling(), images)
    both = np.concatenate(images)
    np.testing.assert_allclose(found["image"].lows, both.min(axis=(0, 1, 2)))
    np.testing.assert_allclose(found["image"].highs, both.max(axis=(0, 1, 2)))
    factors = np.array([1, -2, 3], np.float32)
    np.testing.assert_allclose(found["scaled"].lows, (both * factors).min(axis=(0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(found["scaled"].highs, (both * factors).max(axis=(0, 1, 2)), rtol=1e-6)
    # A tensor this small is kept whole, each value with its channel.
    np.testing.assert_allclose(found["scaled"].sample, (both * factors).ravel(), rtol=1e-6)
    assert found["scaled"].channels.tolist() == [0, 1, 2] * 8


def test_a_large_tensor_is_sampled_everywhere_and_each_tensor_in_its_own_places():
    first, again, other = (calibration._sampled_indices(name, 5000) for name in ("a", "a", "b"))
    np.testing.assert_array_equal(first, again)
    assert len(first) == 1024 and not np.array_equal(first, other)
    assert first.min() < 100 and 4900 < first.max() < 5000
    assert calibration._sampled_indices("a", 1000).tolist() == list(range(1000))


def test_ranges_are_chosen_for_the_equalized_tensors(monkeypatch):
    image = np.full((1, 2, 2, 3), 0.5, np.float32)
    factor = np.array([1.0, 0.5, 2.0], np.float32)
    monkeypatch.setattr(calibration.equalization, "factors", lambda graph, found: {"scaled": factor})
    monkeypatch.setattr(calibration.ranges, "choose", lambda graph, found, method: (found, method))
    made = calibration.calibrate(Doubling(), [image])
    (statistics, method), factors = made.ranges, made.factors
    assert method == made.method == "mse" and set(factors) == {"scaled"}
    np.testing.assert_allclose(statistics["scaled"].highs, [0.5, -0.5, 3.0])
    np.testing.assert_allclose(statistics["image"].highs, [0.5, 0.5, 0.5])
    assert calibration.calibrate(Doubling(), [image], "minmax").method == "minmax"


def test_at_most_three_hundred_images_are_chosen_by_default():
    everything = of_files(Path(f"{i:03}.jpg") for i in range(310))
    assert len(calibration.choose(everything)) == 300


def test_a_progress_bar_is_shown_only_if_asked_for(capsys):
    def load() -> np.ndarray:
        return np.zeros((4, 4, 3), np.uint8)

    assert len(list(calibration.images([load, load], 32))) == 2
    assert not capsys.readouterr().err
    assert [image.shape for image in calibration.images([load], 32, progress=True)] == [(1, 32, 32, 3)]
    assert "calibrating" in capsys.readouterr().err
