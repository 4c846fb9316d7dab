"""Tables of boxes: text files with one line per box, whose columns are known by their names or by their shape.

Belongs here: reading untrusted tables, recognizing their columns, the meaning of cells. Does not belong here: images,
and what becomes of the boxes (`dataset.formats.csv`). Uses `files` and `dataset.examples`.
"""
