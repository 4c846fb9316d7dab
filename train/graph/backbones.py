"""Folding of backbones."""

from __future__ import annotations

from typing import cast

from train.graph.builder import Builder
from train.graph.graph import Node
from train.layers.keras_types import BatchNormalization, Convolution, Layer, Model


def mobilenet_v2(backbone: Model, builder: Builder) -> dict[str, str]:
    """Adds the nodes of `backbone`; the names of those that give its maps, by the names of `train.layers.mobilenet_v2`."""
    layers: dict[str, Layer] = {layer.name: layer for layer in backbone.layers}

    def conv(name: str) -> Convolution:
        return cast(Convolution, layers[name])

    def norm(name: str) -> BatchNormalization:
        return cast(BatchNormalization, layers[f"{name}_norm"])

    x = builder.conv("stem", "image", conv("stem"), norm("stem"), relu6=True)
    maps: dict[str, str] = {}
    index = 0
    while f"block_{index}_project" in layers:
        name, skip = f"block_{index}", x
        if f"{name}_expand" in layers:
            x = maps[f"{name}_expand"] = builder.conv(f"{name}_expand", x, conv(f"{name}_expand"), norm(f"{name}_expand"), relu6=True)
        x = builder.depthwise(f"{name}_depthwise", x, conv(f"{name}_depthwise"), norm(f"{name}_depthwise"), relu6=True)
        x = builder.conv(f"{name}_project", x, conv(f"{name}_project"), norm(f"{name}_project"))
        if f"{name}_add" in layers:
            x = builder.add(Node(f"{name}_add", "add", (skip, x)))
        maps[name] = x
        index += 1
    maps["last"] = builder.conv("last", x, conv("last"), norm("last"), relu6=True)
    return maps


def mobilenet_v1(backbone: Model, builder: Builder) -> dict[str, str]:
    """Adds the nodes of `backbone`; the names of those that give its maps, by the names of `train.layers.mobilenet_v1`."""
    layers: dict[str, Layer] = {layer.name: layer for layer in backbone.layers}

    def parts(name: str) -> tuple[Convolution, BatchNormalization]:
        return cast(Convolution, layers[name]), cast(BatchNormalization, layers[f"{name}_norm"])

    x = builder.conv("stem", "image", *parts("stem"), relu6=True)
    maps: dict[str, str] = {}
    index = 1
    while f"block_{index}_depthwise" in layers:
        name = f"block_{index}"
        x = builder.depthwise(f"{name}_depthwise", x, *parts(f"{name}_depthwise"), relu6=True)
        x = maps[name] = builder.conv(f"{name}_pointwise", x, *parts(f"{name}_pointwise"), relu6=True)
        index += 1
    return maps


def mobiledet(backbone: Model, builder: Builder) -> dict[str, str]:
    """Adds the nodes of `backbone`; the names of those that give its maps, by the names of `train.layers.mobiledet`."""
    layers: dict[str, Layer] = {layer.name: layer for layer in backbone.layers}
    x = "image"
    maps: dict[str, str] = {}
    skip = x
    for name, layer in layers.items():
        block, _, part = name.rpartition("_")
        if part == "add":
            x = maps[block] = builder.add(Node(name, "add", (skip, x)))
        elif f"{name}_norm" in layers:
            # The first convolution of a block takes what the last block gave.
            if part in ("expand", "narrow"):
                skip = x
            linear = part == "project"
            convolution, norm = cast(Convolution, layer), cast(BatchNormalization, layers[f"{name}_norm"])
            add = builder.depthwise if part == "depthwise" else builder.conv
            x = add(name, x, convolution, norm, relu6=not linear)
            if linear:
                maps[block] = x
    return maps
