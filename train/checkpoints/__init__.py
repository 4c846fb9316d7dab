"""Weights on disk: a run's checkpoints, and the published ones, fetched and verified.

Uses `files` and `models`.
"""
