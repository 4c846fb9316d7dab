"""A detector that runs the float network of a checkpoint."""

from __future__ import annotations

import os

import numpy as np

from runtime.boxes import seams
from runtime.boxes.tiles import Tiles
from runtime.common.errors import InputError
from runtime.common.values import Detection, Labels
from runtime.inference import preprocessing
from train.layers import tensorflow_setup

tensorflow_setup.prepare()

import tensorflow as tf  # noqa: E402

from train.checkpoints import variables  # noqa: E402
from train.geometry.size import InputSize  # noqa: E402
from train.graph.graph import Graph  # noqa: E402
from train.layers.keras_types import Model  # noqa: E402
from train.network.network import Network  # noqa: E402
from train.targets import postprocessing  # noqa: E402


class CheckpointDetector:
    """The float network of a checkpoint, with the interface of the runtime's detector and its preprocessing.

    Post-processing is the published one, with at most 100 detections per image.

    Called with an image, uint8 [height, width, 3] in BGR, it returns detections in pixels of that image.

    Args:
      path: the checkpoint, anything that `variables.resolve` accepts.
      size: the size of the network's input.
      labels: the class names.
      graph: the checkpoint's network, folded and frozen. Building it takes seconds, so pass it if you have it.
      tiles: the tiles that images are cut into; None for whole images.

    Raises:
      InputError: a checkpoint of another network or another number of classes.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: InputSize,
        labels: Labels,
        graph: Graph | None = None,
        tiles: Tiles | None = None,
    ):
        self.tiles = tiles
        self.labels = labels
        self.size = size
        if graph is None:
            network, classes = variables.network_of(path), variables.classes_of(path)
        else:
            classes = graph.columns
        if classes != len(labels):
            raise InputError(f"{path}: made for {classes} classes, but there are {len(labels)} labels")
        # The folded graph, because the batch norm of oneDNN takes seconds for a single image.
        graph = graph or folded(network, path, size, classes)
        head = graph.head

        def detect(image: tf.Tensor) -> postprocessing.BatchDetections:
            codes, logits = graph.run(image)
            return postprocessing.detections(tf.concat(codes, 1), tf.concat(logits, 1), head)

        self._detect = tf.function(
            detect,
            input_signature=[tf.TensorSpec([1, *size, 3], tf.float32)],
            autograph=False,
        )

    def __call__(self, image: np.ndarray) -> list[Detection]:
        """Detections in `image`, uint8 [height, width, 3] in BGR."""
        if self.tiles is None:
            return self._in(image)
        height, width = image.shape[:2]
        windows = self.tiles.windows(width, height)
        return list(seams.merge_all([self._in(window.of(image)) for window in windows], windows, width, height))

    def _in(self, image: np.ndarray) -> list[Detection]:
        small = preprocessing.normalize(preprocessing.resize(image, self.size))
        found = self._detect(tf.constant(small[None]))
        count = int(found.count[0])
        height, width = image.shape[:2]
        boxes, scores, classes = (tensor[0, :count].numpy() for tensor in (found.boxes, found.scores, found.classes))
        return postprocessing.to_detections(boxes, scores, classes, width, height, self.labels)


def load(network: Network, path: str | os.PathLike[str], size: InputSize, classes: int) -> Model:
    """A model of `network` with the variables of the checkpoint at `path`. Raises InputError as `variables.load`."""
    model = network.new(size, classes)
    variables.load(model, path, whole=True)
    return model


def folded(network: Network, path: str | os.PathLike[str], size: InputSize, classes: int) -> Graph:
    """The graph of `load`, folded and frozen."""
    return network.fold(load(network, path, size, classes)).frozen()
