"""Geometry of boxes in NumPy: overlap, non-maximum suppression, tiles and the merging of what is found in them. Uses `common`."""
