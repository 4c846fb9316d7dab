"""Everything that the checks look at, gathered in one pass over the images.

Uses `files`, `dataset` and `models`.
"""
