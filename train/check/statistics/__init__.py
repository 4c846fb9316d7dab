"""Statistics of a data set for the checks, gathered in one pass over the images.

Does not belong here: judgments, which are `check.checks`. Uses `files`, `dataset` and `models`.
"""
