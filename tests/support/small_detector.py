"""A detector small enough to build in a test: what the real one is made of, and it finds squares.

Its weights are set by hand, so that it needs no training: bright red, green and blue patches on a
dark image are its three classes.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from pathlib import Path

import numpy as np
import pytest

from runtime.common.values import Labels

SIZE = 64
STRIDE = 8
LABELS = Labels(("red", "green", "blue"))
DETECTIONS = 10
# What the metadata of the files with built-in post-processing says.
THRESHOLD = 0.35
ANCHOR = 0.25


@dataclasses.dataclass(frozen=True)
class Variant:
    """The `size` of the input, (height, width), the `bins` of box codes, 0 for four numbers, and the `bias` of logits."""

    size: tuple[int, int] = (SIZE, SIZE)
    bins: int = 0
    bias: float = -3.5


SQUARE = Variant()
# These find something in the golden images, too.
RECTANGLE = Variant((48, 96), bias=-2.5)
POINTS = Variant((48, 96), 8, -2.5)


@dataclasses.dataclass(frozen=True)
class SmallDetector:
    """The files: `raw_*` as the converter returns them, `fp16` and `int8` after `convert.contract.contract.finish`.

    Their post-processing is the custom operation; that of `built_in_*`, which are finished too, is built in.
    """

    raw_fp16: bytes
    raw_int8: bytes
    fp16: bytes
    int8: bytes
    built_in_fp16: bytes
    built_in_int8: bytes
    labels: Labels = LABELS


@pytest.fixture(scope="session")
def small_detector() -> SmallDetector:
    """The detector; import this name into a test file to use it. It is built once per process."""
    pytest.importorskip("tensorflow", reason="building a detector needs TensorFlow")
    return _built()


@functools.cache
def _built() -> SmallDetector:
    from convert.contract.contract import finish
    from convert.file.metadata import ModelInfo

    raw_fp16, raw_int8 = converted = build()
    built_in = [finish(model, labels=LABELS, info=ModelInfo(score_threshold=THRESHOLD)) for model in build_built_in()]
    return SmallDetector(raw_fp16, raw_int8, *(finish(model, labels=LABELS) for model in converted), *built_in)


def image(seed: int, size: int = SIZE) -> np.ndarray:
    """A dark noisy RGB image, uint8 [size, size, 3], with a few patches of the three colors."""
    random = np.random.default_rng(seed)
    image = random.integers(0, 60, (size, size, 3), dtype=np.uint8)
    side = size // 4
    for row, column in ((0.1, 0.15), (0.15, 0.6), (0.6, 0.35)):
        jitter = random.integers(0, size // 12, 2)
        top, left = int(row * size) + jitter[0], int(column * size) + jitter[1]
        channel = random.integers(3)
        level = random.integers(170, 256)
        image[top : top + side, left : left + side] = 20
        image[top : top + side, left : left + side, channel] = level
    # The lowest and the highest value, so that calibration sees the whole range.
    image[0, 0], image[0, 1] = 0, 255
    return image


def anchors(variant: Variant = SQUARE) -> np.ndarray:
    """float32 [A, 4] as yc, xc, h, w: one square per cell, or one point whose boxes are about as large."""
    y, x = np.meshgrid(*((np.arange(side // STRIDE) + 0.5) * STRIDE / side for side in variant.size), indexing="ij")
    sides = (np.full(y.size, ANCHOR * SIZE / side / max(variant.bins - 1, 1)) for side in variant.size)
    return np.stack([y.ravel(), x.ravel(), *sides], axis=1).astype(np.float32)


def network(raw: bool = False, variant: Variant = SQUARE):
    """A tf.function: image [1, height, width, 3] in -1..1 -> the four outputs; `raw`: box codes and class logits.

    Distributions are to be had as raw outputs only.
    """
    import tensorflow as tf

    from convert.file.postprocessing_op import detection_postprocess

    first = 1 if raw else 0
    random = np.random.default_rng(0)
    smooth = np.zeros((3, 3, 3, 1), np.float32)
    smooth[...] = 1 / 9
    # The score of a class is its own channel minus the two others.
    colors = np.full((1, 1, 3, 6), -1.0, np.float32)
    colors[0, 0, np.arange(3), np.arange(3)] = 1.5
    colors[0, 0, :, 3:] = random.normal(0, 0.5, (3, 3))
    classes = np.zeros((1, 1, 6, 4), np.float32)
    classes[0, 0, np.arange(3), np.arange(1, 4)] = 2.0
    bias = [-4.0, *[variant.bias] * 3]
    columns = 4 * variant.bins or 4
    codes = random.normal(0, 0.4, (1, 1, 6, columns)).astype(np.float32)
    height, width = variant.size
    cells = (height // STRIDE) * (width // STRIDE)

    @tf.function(input_signature=[tf.TensorSpec([1, height, width, 3], tf.float32)])
    def detect(images):
        with tf.name_scope("backbone"):
            x = tf.nn.depthwise_conv2d(images, smooth, [1, 1, 1, 1], "SAME", name="smooth")
            x = tf.nn.avg_pool2d(x, STRIDE, STRIDE, "SAME", name="pool")
            x = tf.nn.relu6(tf.nn.conv2d(x, colors, 1, "SAME", name="colors"), name="relu")
        with tf.name_scope("head"):
            box_codes = tf.reshape(tf.nn.conv2d(x, codes, 1, "SAME"), [1, cells, columns])
            logits = tf.nn.conv2d(x, classes[..., first:], 1, "SAME") + bias[first:]
            logits = tf.reshape(logits, [1, cells, 4 - first])
            if raw:
                return box_codes, logits
            scores = tf.sigmoid(logits, name="scores")
        return detection_postprocess(
            box_codes,
            scores,
            anchors(),
            num_classes=len(LABELS),
            max_detections=DETECTIONS,
            score_threshold=0.2,
            iou_threshold=0.3,
        )

    return detect


def build_built_in(variant: Variant = SQUARE) -> list[bytes]:
    """[float16, int8] with built-in post-processing."""
    from convert.file import flatbuffer_objects
    from convert.file.builtin_postprocessing import with_postprocessing
    from convert.file.postprocessing import Postprocessing

    options = Postprocessing(detections=DETECTIONS, score=0.2, iou=0.3, candidates=100)
    made = []
    table = anchors(variant)
    for model in build(raw=True, variant=variant):
        objects = flatbuffer_objects.unpack(model)
        (signature,) = objects.signatureDefs
        named = {flatbuffer_objects.text(entry.name): entry.tensorIndex for entry in signature.outputs}
        objects.subgraphs[0].outputs = np.array([named["output_0"], named["output_1"]], np.int32)
        outputs = flatbuffer_objects.pack(objects)
        made.append(
            with_postprocessing(outputs, anchors=table, scales=(10, 10, 5, 5), bins=variant.bins, options=options)
        )
    return made


def build(raw: bool = False, variant: Variant = SQUARE) -> tuple[bytes, bytes]:
    """(float16, int8) as the TensorFlow converter returns them; with the outputs of `network`."""
    import tensorflow as tf

    owner = tf.Module()
    owner.detect = network(raw, variant)
    height, width = variant.size
    function = owner.detect.get_concrete_function()

    def converter():
        made = tf.lite.TFLiteConverter.from_concrete_functions([function], owner)
        made.allow_custom_ops = True
        made.optimizations = [tf.lite.Optimize.DEFAULT]
        return made

    half = converter()
    half.target_spec.supported_types = [tf.float16]
    whole = converter()
    whole.representative_dataset = lambda: (
        [image(seed, max(height, width))[None, :height, :width].astype(np.float32) / 127.5 - 1]
        for seed in range(100, 108)
    )
    whole.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    whole.inference_input_type = tf.uint8
    if raw:
        whole.inference_output_type = tf.int8
    return half.convert(), whole.convert()


def write(folder: Path, detector: SmallDetector) -> dict[str, Path]:
    """Writes both finished files to `folder`; returns kind -> path.

    The variables `KIT_TEST_FP16` and `KIT_TEST_INT8` name files to copy instead.
    """
    files = {}
    for kind in ("fp16", "int8"):
        files[kind] = folder / f"detector_{kind}.tflite"
        given = os.environ.get(f"KIT_TEST_{kind.upper()}")
        files[kind].write_bytes(Path(given).read_bytes() if given else getattr(detector, kind))
    return files
