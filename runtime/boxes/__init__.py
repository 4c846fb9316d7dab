"""Geometry of boxes in NumPy: overlap and non-maximum suppression. Uses `common`."""
