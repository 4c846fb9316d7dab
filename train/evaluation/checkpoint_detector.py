"""A detector that runs the float network of a checkpoint."""

from __future__ import annotations

import os

import numpy as np

from runtime.common.errors import InputError
from runtime.common.values import Detection, Labels
from runtime.inference import preprocessing
from train.models import tensorflow_setup

tensorflow_setup.prepare()

import tensorflow as tf  # noqa: E402

from train.checkpoints import variables  # noqa: E402
from train.models import postprocessing  # noqa: E402
from train.models.anchors import anchors  # noqa: E402
from train.models.folding import Graph, fold  # noqa: E402
from train.models.ssd_mobilenet_v2_fpnlite import Detector as Network  # noqa: E402


class CheckpointDetector:
    """The float network of a checkpoint, with the interface of the runtime's detector and its preprocessing.

    Post-processing is the published one, with at most 100 detections per image.

    Called with an image, uint8 [height, width, 3] in BGR, it returns detections in pixels of that image.

    Args:
      path: the checkpoint, anything that `variables.resolve` accepts.
      size: side of the network's input in pixels.
      labels: the class names.
      graph: the checkpoint's network, folded and frozen. Building it takes seconds, so pass it if you have it.

    Raises:
      InputError: a checkpoint of another network or another number of classes.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: int,
        labels: Labels,
        graph: Graph | None = None,
    ):
        self.labels = labels
        self.size = size
        classes = variables.classes_of(path)
        if classes != len(labels):
            raise InputError(f"{path}: made for {classes} classes, but there are {len(labels)} labels")
        # The folded graph, because the batch norm of oneDNN takes seconds for a single image.
        graph = graph or fold(load(path, size, classes)).frozen()
        table = tf.constant(anchors(size))

        def detect(image: tf.Tensor) -> postprocessing.BatchDetections:
            codes, logits = graph.run(image)
            return postprocessing.detections(tf.concat(codes, 1), tf.concat(logits, 1), table)

        self._detect = tf.function(
            detect,
            input_signature=[tf.TensorSpec([1, size, size, 3], tf.float32)],
            autograph=False,
        )

    def __call__(self, image: np.ndarray) -> list[Detection]:
        """Detections in `image`, uint8 [height, width, 3] in BGR."""
        small = preprocessing.normalize(preprocessing.resize(image, self.size))
        found = self._detect(tf.constant(small[None]))
        count = int(found.count[0])
        height, width = image.shape[:2]
        boxes, scores, classes = (tensor[0, :count].numpy() for tensor in (found.boxes, found.scores, found.classes))
        return postprocessing.to_detections(boxes, scores, classes, width, height, self.labels)


def load(path: str | os.PathLike[str], size: int, classes: int) -> Network:
    """The network with the variables of the checkpoint at `path`. Raises InputError as `variables.load`."""
    network = Network(size, classes)
    network(tf.zeros([1, size, size, 3]))
    variables.load(network, path, whole=True)
    return network
