"""The files of a YOLO data set: descriptions, class names, splits, label files and their lines.

Belongs here: what `train.dataset.formats.yolo` makes examples of. Does not belong here: the examples, or another
format's files. Uses `dataset.examples` and `files`.
"""
