"""What happens to frames between a source and the detector: the queue, motion, regions of interest.

Uses `common`.
"""
