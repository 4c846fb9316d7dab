"""Accuracy of files and checkpoints, and the gate that a file must pass.

Uses `file` and `contract`.
"""
