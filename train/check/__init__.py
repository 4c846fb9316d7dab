"""The check of a data set before training: `python -m train.check`.

`statistics` gathers, `checks` holds one file for each check, `page` shows. Uses `dataset`, `models` and `pages`.
"""
