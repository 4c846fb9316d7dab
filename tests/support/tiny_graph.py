"""A folded graph of 64 pixels with all five levels and a dozen narrow layers, which is converted in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from convert.evaluation.images import Image
from runtime.common.values import Labels
from train.geometry.pyramid_anchors import PER_CELL, pyramid_anchors
from train.geometry.size import InputSize
from train.graph.graph import Graph, Node

SIZE = InputSize(64, 64)
LABELS = Labels(("ring", "square", "star"))
_WIDE = 12


def graph() -> Graph:
    """Weights are drawn. As in the real network the heads of all levels share theirs."""
    draw = np.random.default_rng(0)

    def conv(name: str, source: str, inputs: int, outputs: int, stride: int = 1, relu6: bool = True) -> Node:
        kernel = draw.normal(0, 1.5 / np.sqrt(9 * inputs), (3, 3, inputs, outputs))
        bias = draw.normal(0.2, 0.1, outputs)
        return Node(name, "conv", (source,), kernel.astype(np.float32), bias.astype(np.float32), stride, relu6)

    def depthwise(name: str, source: str) -> Node:
        kernel = draw.normal(0, 0.5, (3, 3, _WIDE, 1)).astype(np.float32)
        return Node(name, "depthwise", (source,), kernel, np.zeros(_WIDE, np.float32))

    nodes = [conv("stem", "image", 3, _WIDE, 2), conv("second", "stem", _WIDE, _WIDE, 2)]
    nodes += [depthwise("third", "second"), conv("level_3", "third", _WIDE, _WIDE, 2)]
    nodes += [conv(f"level_{level}", f"level_{level - 1}", _WIDE, _WIDE, 2) for level in (4, 5, 6, 7)]
    boxes = draw.normal(0, 0.1, (1, 1, _WIDE, 4 * PER_CELL)).astype(np.float32)
    classes = draw.normal(0, 0.25, (1, 1, _WIDE, len(LABELS) * PER_CELL)).astype(np.float32)
    biases = draw.normal(0, 0.1, 4 * PER_CELL), draw.normal(-2.5, 0.5, len(LABELS) * PER_CELL)
    for level in (3, 4, 5, 6, 7):
        for name, kernel, bias in zip(("boxes", "classes"), (boxes, classes), biases):
            nodes.append(Node(f"{name}_{level}", "conv", (f"level_{level}",), kernel, bias.astype(np.float32)))
    heads = [tuple(f"{name}_{level}" for level in (3, 4, 5, 6, 7)) for name in ("boxes", "classes")]
    return Graph(tuple(nodes), heads[0], heads[1], pyramid_anchors(SIZE), len(LABELS))


def images(count: int = 8) -> tuple[Image, ...]:
    """Smooth drawn images, which exist in memory only."""
    found = []
    for number in range(count):
        draw = np.random.default_rng(number)
        coarse = draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        pixels = np.kron(coarse, np.ones((10, 10, 1), np.uint8))
        found.append(Image(f"image {number}", Path(f"image_{number}.png"), lambda pixels=pixels: pixels))
    return tuple(found)
