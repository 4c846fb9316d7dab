"""The page of a run: `python -m train.report`.

Uses `dataset`, `evaluation`, `pages` and `run`.
"""
