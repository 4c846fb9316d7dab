"""A checkpoint with the post-processing of a file, or with that of the published evaluation."""

from __future__ import annotations

import os

from convert.file.postprocessing import Postprocessing
from runtime.common.values import Labels
from train.evaluation import checkpoint_detector
from train.evaluation.checkpoint_detector import load
from train.models import postprocessing as postprocess
from train.models.folding import Graph

__all__ = ["CheckpointDetector", "load"]


class CheckpointDetector(checkpoint_detector.CheckpointDetector):
    """As in `train`; with `postprocessing` it gives what a file's own operation would give: each
    anchor's best class, suppression across classes, fewer slots, a threshold.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        size: int,
        labels: Labels,
        postprocessing: Postprocessing | None = None,
        graph: Graph | None = None,
    ):
        if postprocessing is None:
            super().__init__(path, size, labels, graph=graph)
            return

        def find(codes, logits, table):
            return postprocess.best_class_detections(
                codes, logits, table, postprocessing.detections, postprocessing.iou, postprocessing.score
            )

        super().__init__(path, size, labels, find, graph)
