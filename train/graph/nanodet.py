"""Folding of NanoDet-Plus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import tensorflow as tf

from train.geometry.head import Head
from train.graph.builder import Builder, folded
from train.graph.graph import Graph, Node
from train.graph.shuffled import Channels, Gathering, reading
from train.layers.conv_norm import ConvNorm
from train.layers.ghost_pan import GhostBlock, GhostPan
from train.layers.nanodet import NanoDet
from train.layers.nanodet_head import NanoDetHead
from train.layers.shufflenet_v2 import Block, ShuffleNetV2


def fold(model: NanoDet, head: Head) -> Graph:
    """The graph of `model` in inference mode.

    Nodes have the names of the convolutions in the published checkpoint, with underscores; `..._act` is what the leaky
    ReLU makes of one. The step from -1..1 to what the first convolution takes is folded into that one. This is exact but
    at the upper and the left edge, where the published network sees the mean of each color beyond the image, and the
    graph 127.5: on COCO that costs 0.03 points of AP, and saves an operation on the largest tensor.
    """
    builder = _Builder()
    maps = _backbone(model.backbone, builder, builder.known("image", (*head.size, 3)))
    levels = _neck(model.fpn, builder, maps)
    box_heads, class_heads = _heads(model.head, builder, levels)
    stem = model.backbone.stem.name
    nodes = (_from_image(model, node) if node.name == stem else node for node in builder.nodes)
    return Graph(tuple(nodes), box_heads, class_heads, head, model.classes)


class _Builder(Builder):
    """Maps are given and returned as their channels."""

    def __init__(self) -> None:
        super().__init__()
        self._gathering = Gathering(self)
        self._sides: dict[str, tuple[int, int]] = {}

    def known(self, name: str, shape: Sequence[int]) -> Channels:
        """Says the shape of a tensor that has been added: height, width and channels. Its channels as a map."""
        height, width, count = shape
        self._sides[name] = (height, width)
        self._gathering.counts[name] = count
        return Channels.of(name, count)

    def tensor(self, x: Channels, name: str) -> tuple[str, Channels]:
        """The tensor that holds the map, with its channels in the tensor's order; `name` is for what must be added."""
        found, order = self._gathering.gather(x, name)
        self._sides[found] = self._sides[x.labels[0][0]]
        return found, order

    def unit(self, layer: ConvNorm, x: Channels) -> Channels:
        """A convolution with its batch norm, and its activation if it has one."""
        name = layer.name
        source, order = self.tensor(x, f"{name}_input")
        height, width = self._sides[source]
        node, outputs = reading(_convolution(layer, source), x, order)
        if layer.stride > 1:
            assert node.kernel is not None
            pads = _pads(node.kernel.shape[0], height, width)
            node = replace(node, inputs=(self.add(Node(f"{name}_padded", "pad", (source,), numbers=pads)),), same=False)
        self.add(node)
        shape = -(-height // layer.stride), -(-width // layer.stride), len(outputs.labels)
        self.known(name, shape)
        if not layer.activation:
            return outputs
        active = self.add(Node(f"{name}_act", "leaky_relu", (name,)))
        self.known(active, shape)
        return outputs.renamed(active)

    def chain(self, layers: Sequence[ConvNorm], x: Channels) -> Channels:
        """One unit after the other."""
        for layer in layers:
            x = self.unit(layer, x)
        return x

    def pool(self, x: Channels) -> Channels:
        """The greatest value of 3x3 cells at every second cell.

        In two steps, so that nothing has to be padded by -infinity.
        """
        name, order = self.tensor(x, "pool_input")
        height, width = self._sides[name]
        self.add(Node("pool_3x3", "max_pool", (name,), numbers=(3,)))
        pooled = self.add(Node("pool", "max_pool", ("pool_3x3",), stride=2, numbers=(1,)))
        self.known(pooled, (-(-height // 2), -(-width // 2), len(order.labels)))
        return x.renamed(pooled)

    def sum(self, name: str, one: Channels, other: Channels) -> Channels:
        """The sum of two maps."""
        (first, order), (second, other_order) = self.tensor(one, f"{name}_first"), self.tensor(other, f"{name}_second")
        assert (order, other_order) == (one, other)
        self.add(Node(name, "add", (first, second)))
        return self.known(name, (*self._sides[first], len(one.labels)))

    def upsampled(self, x: Channels, name: str) -> Channels:
        """The map in twice the size."""
        source, order = self.tensor(x, f"{name}_input")
        assert order == x
        (height, width), count = self._sides[source], len(x.labels)
        self.add(Node(name, "bilinear", (source,)))
        return self.known(name, (2 * height, 2 * width, count))


def _convolution(layer: ConvNorm, source: str) -> Node:
    if not layer.is_depthwise:
        kernel, bias = folded(layer.convolution.kernel, None, layer.norm)
        return Node(layer.name, "conv", (source,), kernel, bias, layer.stride)
    # A depthwise kernel is [kh, kw, in, 1], so that the scale of the batch norm applies to axis 2.
    kernel, bias = folded(tf.transpose(layer.convolution.depthwise_kernel, [0, 1, 3, 2]), None, layer.norm)
    return Node(layer.name, "depthwise", (source,), tf.transpose(kernel, [0, 1, 3, 2]), bias, layer.stride)


def _pads(kernel: int, *sides: int) -> tuple[int, ...]:
    """Zeros before and after each of two axes, where PyTorch pads both ends by half of the kernel, at stride 2.

    After the last value there are only as many as the last window needs.
    """
    before = kernel // 2
    return tuple(pad for side in sides for pad in (before, 2 * (-(-side // 2) - 1) + kernel - side - before))


def _from_image(model: NanoDet, node: Node) -> Node:
    """`node`, a convolution of what the model makes of an image in -1..1 first, as a convolution of the image."""
    assert node.kernel is not None
    kernel = node.kernel * model.scale[:, None]
    return replace(node, kernel=kernel, bias=node.bias + tf.einsum("hwio,i->o", node.kernel, model.offset))


def _backbone(layer: ShuffleNetV2, builder: _Builder, image: Channels) -> list[Channels]:
    x = builder.pool(builder.unit(layer.stem, image))
    maps = []
    for stage in layer.stages:
        for block in stage:
            x = _block(block, builder, x)
        maps.append(x)
    return maps


def _block(block: Block, builder: _Builder, x: Channels) -> Channels:
    kept, changed = (x, x) if block.branch1 else x.halves()
    return (builder.chain(block.branch1, kept) + builder.chain(block.branch2, changed)).shuffled()


def _neck(layer: GhostPan, builder: _Builder, maps: Sequence[Channels]) -> list[Channels]:
    reduced = [builder.unit(unit, x) for unit, x in zip(layer.reduce, maps)]
    inner = [reduced[-1]]
    for number, (block, lateral) in enumerate(zip(layer.top_down, reversed(reduced[:-1]))):
        up = builder.upsampled(inner[0], f"{layer.name}_upsampled_{number}")
        inner.insert(0, _ghost(block, builder, up + lateral))
    outer = [inner[0]]
    for down, block, lateral in zip(layer.downsamples, layer.bottom_up, inner[1:]):
        outer.append(_ghost(block, builder, builder.chain(down.units, outer[-1]) + lateral))
    ends = builder.chain(layer.extra_in.units, reduced[-1]), builder.chain(layer.extra_out.units, outer[-1])
    return [*outer, builder.sum(f"{layer.name}_extra_sum", *ends)]


def _ghost(block: GhostBlock, builder: _Builder, x: Channels) -> Channels:
    main = x
    for primary, cheap in (block.ghost1, block.ghost2):
        half = builder.unit(primary, main)
        main = half + builder.unit(cheap, half)
    return builder.sum(f"{block.name}_sum", main, builder.chain(block.shortcut, x))


def _heads(
    layer: NanoDetHead, builder: _Builder, levels: Sequence[Channels]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    box_heads, class_heads = [], []
    for level, (tower, x) in enumerate(zip(layer.towers, levels)):
        for part in tower:
            x = builder.chain(part.units, x)
        source, order = builder.tensor(x, f"{layer.name}_{level}_input")
        assert order == x
        box_heads.append(builder.conv(f"boxes_level_{level}", source, layer.box_outputs[level]))
        class_heads.append(builder.conv(f"classes_level_{level}", source, layer.class_outputs[level]))
    return tuple(box_heads), tuple(class_heads)
