"""Maps whose channels come from several tensors, so that shuffles, splits and concatenations of channels cost nothing.

A shuffle and a split only rename channels. So the outputs of the branches of shuffled blocks stay tensors of their own.
Where a convolution reads such a map, slices of the tensors are put one behind the other, and the input channels of its
kernel into that order. A shuffle keeps the order of the channels of one tensor, so that a slice is always one of
neighboring channels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from train.graph.builder import Builder
from train.graph.graph import Node


@dataclass(frozen=True)
class Channels:
    """A map whose channel i is channel `place` of the tensor `name`, for (name, place) at index i of `labels`."""

    labels: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, name: str, count: int) -> Channels:
        """The `count` channels of the tensor `name`."""
        return cls(tuple((name, place) for place in range(count)))

    def __add__(self, other: Channels) -> Channels:
        """The channels of this map, then those of `other`."""
        return Channels(self.labels + other.labels)

    def halves(self) -> tuple[Channels, Channels]:
        """The first and the second half of the channels."""
        half = len(self.labels) // 2
        return Channels(self.labels[:half]), Channels(self.labels[half:])

    def shuffled(self) -> Channels:
        """The channels of the first half and those of the second in turn."""
        first, second = self.halves()
        return Channels(tuple(label for pair in zip(first.labels, second.labels) for label in pair))

    def renamed(self, name: str) -> Channels:
        """The same channels of the tensor `name`."""
        return Channels(tuple((name, place) for _, place in self.labels))


class Gathering:
    """Adds the nodes that put the channels of maps into one tensor, once for each map."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._done: dict[Channels, tuple[str, Channels]] = {}
        self.counts: dict[str, int] = {}

    def gather(self, channels: Channels, name: str) -> tuple[str, Channels]:
        """The name of a tensor that holds `channels`, and which channels it holds, in its order.

        `name` is what the names of nodes that must be added begin with. `counts` must have the number of channels of
        each tensor.
        """
        if channels not in self._done:
            self._done[channels] = self._gather(channels, name)
        return self._done[channels]

    def _gather(self, channels: Channels, name: str) -> tuple[str, Channels]:
        places: dict[str, list[int]] = {}
        for tensor, place in channels.labels:
            places.setdefault(tensor, []).append(place)
        parts: list[str] = []
        order: list[tuple[str, int]] = []
        for tensor, chosen in places.items():
            first, end = min(chosen), max(chosen) + 1
            assert len(chosen) == end - first, f"the channels of {tensor} in {name} are not neighbors"
            part = tensor
            if end - first < self.counts[tensor]:
                part = f"{name}_part_{len(parts)}"
                self._builder.add(Node(part, "slice", (tensor,), numbers=(first, end)))
            parts.append(part)
            order += [(tensor, place) for place in range(first, end)]
        whole = parts[0] if len(parts) == 1 else self._builder.add(Node(f"{name}_parts", "concat", tuple(parts)))
        return whole, Channels(tuple(order))


def reading(node: Node, wanted: Channels, found: Channels) -> tuple[Node, Channels]:
    """`node`, a convolution of the channels `wanted`, for an input whose channels are `found`; and its output's channels.

    A depthwise convolution leaves the channels in the order in which it finds them.
    """
    assert node.bias is not None
    name, count = node.name, int(node.bias.shape[0])
    if wanted == found:
        return node, Channels.of(name, count)
    place = {label: index for index, label in enumerate(found.labels)}
    index = {label: index for index, label in enumerate(wanted.labels)}
    order = np.array([index[label] for label in found.labels], np.int32)
    node = replace(node, kernel=tf.gather(node.kernel, order, axis=2))
    if node.kind == "conv":
        return node, Channels.of(name, count)
    outputs = Channels(tuple((name, place[label]) for label in wanted.labels))
    return replace(node, bias=tf.gather(node.bias, order)), outputs
