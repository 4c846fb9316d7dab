"""Removes channels that are always 0, as the weights alone prove; results stay the same, and time is saved.

Weight decay has emptied channels in the first layers of the published MobileNetV2: of the 32 channels of the
stem, seven have kernels of zeros and biases below zero, and an eighth is 0 after the next convolution. Kernels
compute eight channels at a time, and the stem has the largest feature map, so that removing eight of its
channels saves a fortieth of all arithmetic.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from train.graph.graph import Graph, Node

# Kernels compute so many channels at a time: removing fewer saves nothing.
_GROUP = 8
_RELU6 = 6.0


def without_dead_channels(graph: Graph) -> Graph:
    """`graph` without dead channels in its first layers; its kernels and biases are arrays.

    A channel is dead if it is 0 for every image, whose values are in -1..1. Looked at are the channels between
    a convolution of the image, the depthwise convolution after it, and the convolution after that. A constant
    that a removed channel adds to the last of them moves into its bias.
    """
    users: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            users.setdefault(name, []).append(node)
    changed: dict[str, Node] = {}
    for node in graph.nodes:
        middle = _only_user(users, node)
        last = _only_user(users, middle) if middle is not None else None
        if middle is None or last is None or (node.kind, middle.kind, last.kind) != ("conv", "depthwise", "conv"):
            continue
        if node.inputs == ("image",) and node.relu6 and middle.relu6:
            for new in _shortened(node, middle, last):
                changed[new.name] = new
    return graph.with_nodes(changed)


def _only_user(users: dict[str, list[Node]], node: Node) -> Node | None:
    found = users.get(node.name, [])
    return found[0] if len(found) == 1 else None


def _weights(node: Node) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a convolution."""
    return np.asarray(node.kernel), np.asarray(node.bias)


def _shortened(first: Node, middle: Node, last: Node) -> tuple[Node, ...]:
    """The three nodes without dead channels, of which whole groups are removed."""
    (kernel, bias), (middle_kernel, middle_bias), (last_kernel, last_bias) = map(_weights, (first, middle, last))
    highest = np.abs(kernel).sum(axis=(0, 1, 2)) + bias
    # Beyond the image's edge the depthwise convolution sees 0, as it does of dead channels.
    dead = highest <= 0
    taps = middle_kernel[..., 0].reshape(-1, len(dead))
    highest_after = (np.maximum(taps, 0) * np.clip(highest, 0, _RELU6)).sum(axis=0) + middle_bias
    constant = np.where(dead, np.clip(middle_bias, 0, _RELU6), 0)
    removable = np.flatnonzero(dead | (highest_after <= 0))
    removed = removable[: len(removable) // _GROUP * _GROUP]
    kept = np.setdiff1d(np.arange(len(dead)), removed)
    added = constant[removed] @ last_kernel[0, 0, removed]
    return (
        replace(first, kernel=kernel[..., kept], bias=bias[kept]),
        replace(middle, kernel=middle_kernel[:, :, kept], bias=middle_bias[kept]),
        replace(last, kernel=last_kernel[:, :, kept], bias=last_bias + added.astype(last_bias.dtype)),
    )
