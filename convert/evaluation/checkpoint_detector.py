"""A checkpoint with the post-processing of a file, or with that of the published evaluation."""

from __future__ import annotations

import os

import tensorflow as tf

from convert.file.postprocessing import Postprocessing
from runtime.common.values import Labels
from train.evaluation import checkpoint_detector
from train.evaluation.checkpoint_detector import load
from train.models import postprocessing as postprocess
from train.models.folding import Graph

__all__ = ["CheckpointDetector", "load"]


class CheckpointDetector(checkpoint_detector.CheckpointDetector):
    """The detector of `train.evaluation`, which can also use the post-processing of a file.

    With `postprocessing` it gives what the operation inside a file would give: the best class of each
    anchor, suppression across classes, fewer detections and a score threshold.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: int,
        labels: Labels,
        postprocessing: Postprocessing | None = None,
        graph: Graph | None = None,
    ):
        if postprocessing is None:
            super().__init__(path, size, labels, graph=graph)
            return

        def find(codes: tf.Tensor, logits: tf.Tensor, table: tf.Tensor) -> postprocess.BatchDetections:
            return postprocess.best_class_detections(
                codes, logits, table, postprocessing.detections, postprocessing.iou, postprocessing.score
            )

        super().__init__(path, size, labels, find, graph)
