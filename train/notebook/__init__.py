"""Training from a notebook or a program: `train`, `open_run` and the run that they return.

Belongs here: what `from train import ...` gives besides data sets, its keyword arguments, progress and results as HTML.
Does not belong here: training itself, which is `training`. Uses `run`, `report`, `training` and what these use.
"""
