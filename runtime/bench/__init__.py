"""Timings: `python -m runtime.bench`, and what it compares a file with.

Uses every other room.
"""
