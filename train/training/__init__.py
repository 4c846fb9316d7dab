"""The training loop on Model Garden: task, experiment, learning rate schedule, checkpoints, and QAT.

What the user sees of a run belongs to `train.run`. Uses every room of `train` but `check`, `report`, `pages` and
`sample_data`.
"""
