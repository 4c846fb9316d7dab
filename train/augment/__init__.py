"""The input pipeline of training: from records to batches, with every random change to an image.

Uses `models`.
"""
