"""The HTML page of a training run: `python -m train.report`.

`contents` gathers the data, `page` makes the HTML. Does not belong here: the computation of curves and errors
(`evaluation`), elements and charts (`pages`). Uses `dataset`, `evaluation`, `pages` and `run`.
"""
