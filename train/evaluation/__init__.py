"""Evaluation: COCO average precision, error analysis, and detections of a checkpoint.

The page that shows the results is `train.report`. Uses `train.dataset.examples`, `train.models`, `train.checkpoints`
and `runtime.inference` (preprocessing).
"""
