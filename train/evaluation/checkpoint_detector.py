"""A checkpoint that can be called like the runtime's detector."""

from __future__ import annotations

import os
from collections.abc import Callable

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

Find = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], postprocessing.Found]


class CheckpointDetector:
    """The float network of a checkpoint behind the runtime's preprocessing.

    Called with uint8 [height, width, 3] in BGR it returns detections in source pixels. `find` makes
    them of box codes [1, A, 4], class logits [1, A, classes] and anchors [A, 4]: by default at most
    100, as the published evaluation counts them. `graph` is the checkpoint's network, folded and
    frozen, for whoever has it already: building it takes seconds.
    Raises InputError for a checkpoint of another network or another number of classes.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        size: int,
        labels: Labels,
        find: Find = postprocessing.detections,
        graph: Graph | None = None,
    ):
        self.labels = labels
        self.size = size
        classes = variables.classes_of(path)
        if classes != len(labels):
            raise InputError(f"{path}: made for {classes} classes, but there are {len(labels)} labels")
        # Folded, since oneDNN's batch norm takes seconds for a single image.
        graph = graph or fold(load(path, size, classes)).frozen()
        table = tf.constant(anchors(size))

        def detect(image):
            codes, logits = graph.run(image)
            return find(tf.concat(codes, 1), tf.concat(logits, 1), table)

        self._detect = tf.function(
            detect,
            input_signature=[tf.TensorSpec([1, size, size, 3], tf.float32)],
            autograph=False,
        )

    def __call__(self, image: np.ndarray) -> list[Detection]:
        small = preprocessing.normalize(preprocessing.resize(image, self.size))
        found = self._detect(tf.constant(small[None]))
        count = int(found.count[0])
        height, width = image.shape[:2]
        arrays = (tensor[0, :count].numpy() for tensor in (found.boxes, found.scores, found.classes))
        return postprocessing.to_detections(*arrays, width, height, self.labels)


def load(path: str | os.PathLike, size: int, classes: int) -> Network:
    """The network with every variable taken from the checkpoint at `path`."""
    network = Network(size, classes)
    network(tf.zeros([1, size, size, 3]))
    variables.load(network, path, whole=True)
    return network
