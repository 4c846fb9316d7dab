"""A training run as its user sees it: options, run folder, resuming, history, progress and devices.

The training loop itself is `train.training`. Uses `train.dataset`, `train.models`, `train.checkpoints`,
`train.quantization` and `train.evaluation`.
"""
