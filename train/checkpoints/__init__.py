"""Weights on disk: the checkpoints of runs, and the published ones, which are downloaded and verified.

Here is everything that reads or writes checkpoint files. When training writes them is decided in `train.training`. Uses
`train.files` and `train.models`.
"""
