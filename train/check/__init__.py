"""Checks of a data set before training: `python -m train.check`.

`statistics` reads every image once, `checks` holds one file for each check, `page` makes the HTML page. Does not belong
here: checks of single images and boxes while reading (`dataset.examples`). Uses `dataset`, `models`, `evaluation` and
`pages`.
"""
