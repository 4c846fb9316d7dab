"""The input pipeline of training: from TFRecord files to batches, with all random augmentation.

Uses `train.models` (anchors and matching).
"""
