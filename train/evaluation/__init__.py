"""COCO average precision, error analysis, and detections of a checkpoint.

Uses `dataset.examples`, `models` and `checkpoints`.
"""
