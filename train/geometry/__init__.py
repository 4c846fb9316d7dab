"""Sizes of a network's input, and what its outputs mean: anchors and codes. NumPy only; uses no other room."""
