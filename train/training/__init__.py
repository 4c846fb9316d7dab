"""The training loop on Model Garden: tasks, schedule, best and last checkpoint, QAT.

Uses every room but `check`, `report` and `sample_data`.
"""
