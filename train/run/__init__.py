"""A training run as its user sees it: options, run folder, resume, history, progress, devices.

The loop is `training`. Uses `files`, `dataset`, `models`, `checkpoints`, `quantization` and `evaluation`.
"""
