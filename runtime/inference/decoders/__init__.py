"""Decoders: from outputs that are no list of detections to detections, one file for each kind of outputs.

A module of this package defines

    accepts(network) -> Decoding or None    how the outputs of `network` are decoded; None where they are of another
                                            kind. Raises InputError where they are of this kind and cannot be decoded.

and is found because it lies here; no other file changes. Modules are asked in the order of their names, and the first
that accepts gets the file, so each must tell its kind apart by what the file says: an entry of its metadata, or shapes
that no other kind has. What several share is in modules whose names begin with `_`.

Decoding that a file does itself, down to boxes, classes, scores and count, is not for this package. Uses `common`,
`boxes` and `model`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Optional, Protocol, Sequence, Tuple

import numpy as np

from runtime.common import plugins
from runtime.model import ports
from runtime.model.metadata import Metadata
from runtime.model.ports import Port
from runtime.model.tflite import Model

# Boxes float32 [M, 4] as ymin, xmin, ymax, xmax relative to the input, classes int [M] and scores float32 [M].
Arrays = Tuple[np.ndarray, np.ndarray, np.ndarray]


class Decoder(Protocol):
    """Makes detections of the stored outputs of one image."""

    def __call__(self, raw: Sequence[np.ndarray], least: float = 0.0) -> Arrays:
        """The detections with at least the score `least`, highest score first.

        `raw` are the outputs as the model stores them, in its order, each with a first dimension of 1. Boxes that
        suppress each other are left out already.
        """
        ...


@dataclass(frozen=True, eq=False)
class Network:
    """A file as a decoder sees it: `inputs` and `outputs` are in the order of the model."""

    model: Model
    metadata: Optional[Metadata]
    inputs: Tuple[Port, ...]
    outputs: Tuple[Port, ...]

    @classmethod
    def of(cls, model: Model, metadata: Optional[Metadata]) -> Network:
        """What `model` says of itself, without an interpreter."""
        graph = model.main
        return cls(model, metadata, ports.of_tensors(model, graph.inputs), ports.of_tensors(model, graph.outputs))


@dataclass(frozen=True, eq=False)
class Decoding:
    """How a file is run that ends before its detections.

    `what` names its outputs in messages. `classes` is how many it tells apart, without background; 0 where it does not
    say. With `letterbox`,
    images keep their shape in the input, as `runtime.inference.preprocessing.letterbox` makes it. `mean` and `std` are
    those of a float input whose metadata has none; empty for those of MobileNet detectors.
    """

    decode: Decoder
    what: str
    classes: int
    letterbox: bool = False
    mean: Tuple[float, ...] = ()
    std: Tuple[float, ...] = ()


def find(model: Model, metadata: Optional[Metadata]) -> Optional[Decoding]:
    """How the outputs of `model` are decoded; None where no decoder knows them.

    Raises InputError where one knows them and says why they cannot be decoded.
    """
    network = Network.of(model, metadata)
    for module in plugins.modules(sys.modules[__name__]):
        decoding: Optional[Decoding] = module.accepts(network)
        if decoding is not None:
            return decoding
    return None
