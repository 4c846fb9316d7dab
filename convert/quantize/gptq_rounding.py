"""GPTQ rounding: rounds the weights of each kernel so that their errors cancel out on real images.

Rounding each weight to its nearest step minimizes the error of the weights, not that of the output: the
inputs of a convolution are correlated, so that the error of one weight can be compensated by others. Weights
are rounded one after the other, and the error of each is spread over those not yet rounded, by the inverse of
the inputs' second moments (GPTQ, Frantar et al. 2022, after optimal brain surgeon, Hassibi and Stork 1993).
The inputs are those of the int8 network, layer by layer.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from train.graph.graph import Graph, Node, execute
from train.quantization import fake_quantization
from train.quantization.quantization import Range

# Enough images to estimate the second moments of the layers' inputs. What a layer makes of all of them is in memory at
# once, because its kernel is rounded for all of them before the next layer can run: 1.3 GB at most at size 640.
IMAGES = 32

# Output positions sampled in each image: 4,096 in all for the up to 960 inputs of a convolution, and 2,048
# for the nine inputs of a channel of a depthwise kernel.
_POSITIONS = {"conv": 128, "depthwise": 64}
# This share of the mean second moment is added to all, so that rare inputs do not take large errors.
_DAMPING = 0.01
# The file's weights lie in -127..127 (TFLite 8-bit specification).
_LARGEST = 127.0
_BLOCK = 64
# A kernel with more inputs is rounded tap by tap: the time grows with their cube, and 11,520 inputs, as the 3x3 heads of
# SSD MobileNet v2 have, take minutes.
_MOST_INPUTS = 4096


def round_kernels(
    graph: Graph, ranges: Mapping[str, Range], images: Iterable[np.ndarray], progress: bool = False
) -> Graph:
    """`graph` with kernels that int8 represents exactly: symmetric, one scale per output channel.

    `ranges` are the ranges of its tensors; each of `images` is float32 [1, height, width, 3] in -1..1.
    """
    rounded = fake_quantization.hook(graph, lambda tensor, owner: fake_quantization.activation(tensor, ranges[owner]))
    # Image by image: a layer's work space is that of one image, and an input goes as soon as its last output is there.
    values = {"image": [rounded("image", tf.constant(image)) for image in images]}
    count = len(values["image"])
    last_use = {source: node.name for node in graph.nodes for source in node.inputs}
    nodes: dict[str, Node] = {}
    for node in tqdm(graph.nodes, desc="rounding", unit="layer", disable=not progress, leave=False):
        sources = [values[name] for name in node.inputs]
        if node.kernel is not None:
            node = nodes[node.name] = replace(node, kernel=_kernel(node, sources[0]))
        unused = [name for name in node.inputs if last_use[name] == node.name]
        made = []
        for number in range(count):
            made.append(rounded(node.name, execute(node, [source[number] for source in sources])))
            for name in unused:
                values[name][number] = None
        values[node.name] = made
        for name in unused:
            values.pop(name, None)
    return graph.with_nodes(nodes)


def compensate(kernels: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """`kernels` [B, I, O] rounded to the steps of int8, for inputs with second moments `moments` [B, I, I].

    Each of the B x O columns has its own scale, its greatest absolute value divided by 127. The weight with
    that value is not changed, so that the converter finds the same scale.
    """
    kernels = kernels.astype(np.float64)
    moments = moments.astype(np.float64)
    inputs = kernels.shape[1]
    step = np.maximum(np.abs(kernels).max(axis=1, keepdims=True), 1e-30) / _LARGEST
    largest = np.abs(kernels).argmax(axis=1)[:, None]
    ends = np.sign(np.take_along_axis(kernels, largest, axis=1)) * _LARGEST

    # Inputs with the greatest second moment first: most other weights are left to compensate their errors.
    order = np.argsort(-np.diagonal(moments, axis1=1, axis2=2), axis=1, kind="stable")
    moments = np.take_along_axis(np.take_along_axis(moments, order[:, :, None], 1), order[:, None, :], 2)
    mean = np.trace(moments, axis1=1, axis2=2) / inputs
    moments = moments + (_DAMPING * mean + 1e-12)[:, None, None] * np.eye(inputs)
    spread = np.linalg.cholesky(np.linalg.inv(moments)).transpose(0, 2, 1)

    left = np.take_along_axis(kernels, order[:, :, None], axis=1)
    whole = np.empty_like(left)
    for start in range(0, inputs, _BLOCK):
        end = min(start + _BLOCK, inputs)
        errors = np.empty_like(left[:, start:end])
        for i in range(start, end):
            whole[:, i] = np.clip(np.round(left[:, i] / step[:, 0]), -_LARGEST, _LARGEST)
            error = (left[:, i] - whole[:, i] * step[:, 0]) / spread[:, i, i, None]
            errors[:, i - start] = error
            left[:, i + 1 : end] -= spread[:, i, i + 1 : end, None] * error[:, None]
        left[:, end:] -= spread[:, start:end, end:].transpose(0, 2, 1) @ errors
    whole = np.take_along_axis(whole, np.argsort(order, axis=1)[:, :, None], axis=1)
    np.put_along_axis(whole, largest, ends, axis=1)
    rounded: np.ndarray = (whole * step).astype(np.float32)
    return rounded


def _kernel(node: Node, sources: Sequence[tf.Tensor]) -> np.ndarray:
    """The rounded kernel of `node`, whose input for each image is one of `sources`, [1, H, W, I]."""
    kernel: np.ndarray = np.asarray(node.kernel)
    taps = _taps(node, sources)
    if node.kind == "depthwise":
        # Each channel is a problem of its own, with nine weights.
        moments = np.array([[np.sum(one * other, axis=0) for other in taps] for one in taps])
        rounded = compensate(kernel.reshape(len(taps), -1).T[:, :, None], moments.transpose(2, 0, 1))
        return rounded[:, :, 0].T.reshape(kernel.shape)
    if len(taps) * kernel.shape[2] > _MOST_INPUTS:
        return _by_tap(kernel, taps)
    flat = np.concatenate(taps, axis=1)
    return compensate(kernel.reshape(1, -1, kernel.shape[3]), (flat.T @ flat)[None]).reshape(kernel.shape)


def _by_tap(kernel: np.ndarray, taps: Sequence[np.ndarray]) -> np.ndarray:
    """As for the whole kernel, with errors spread over the inputs of the same tap only.

    The steps are those of the whole kernel: each tap is given the greatest weight of its columns as a further input that
    is always 0.
    """
    flat = kernel.reshape(len(taps), -1, kernel.shape[3])
    greatest = np.abs(flat).max(axis=(0, 1))[None]
    rounded = []
    for weights, tap in zip(flat, taps):
        moments = np.pad(tap.T @ tap, ((0, 1), (0, 1)))
        rounded.append(compensate(np.concatenate((weights, greatest))[None], moments[None])[0, :-1])
    return np.stack(rounded).reshape(kernel.shape)


def _taps(node: Node, sources: Sequence[tf.Tensor]) -> list[np.ndarray]:
    """The inputs of each tap of the kernel of `node` at P sampled output positions: float32 [P, I] per tap.

    Taps are in row-major order. The positions are spread over all images and the same in every run.
    """
    side, stride = np.asarray(node.kernel).shape[0], node.stride
    count = len(sources)
    _, height, width, channels = sources[0].shape
    rows, columns = (_outputs(length, side, node) for length in (height, width))
    draw = np.random.default_rng(zlib.crc32(node.name.encode()))
    chosen = draw.permutation(count * rows * columns)[: count * _POSITIONS[node.kind]]
    image, row, column = np.unravel_index(chosen, (count, rows, columns))
    (top, bottom), (left, right) = (
        _padding(length, outputs, side, stride) if node.same else (0, 0) for length, outputs in ((height, rows), (width, columns))
    )
    taps = [np.empty((len(chosen), channels), np.float32) for _ in range(side * side)]
    for number, source in enumerate(sources):
        padded = np.pad(source.numpy()[0], ((top, bottom), (left, right), (0, 0)))
        here = np.flatnonzero(image == number)
        for place, tap in enumerate(taps):
            dy, dx = divmod(place, side)
            tap[here] = padded[row[here] * stride + dy, column[here] * stride + dx]
    return taps


def _outputs(length: int, side: int, node: Node) -> int:
    return -(-length // node.stride) if node.same else (length - side) // node.stride + 1


def _padding(length: int, outputs: int, side: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding: how much is added before and after an axis."""
    total = max((outputs - 1) * stride + side - length, 0)
    return total // 2, total - total // 2
