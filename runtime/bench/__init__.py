"""Timing of detectors: `python -m runtime.bench`, and the baselines that a file is compared with.

Percentiles, interleaved timing, cold start and memory belong here; measuring accuracy does not. Uses `common`, `boxes`,
`inference`, `inference.engines` and `inference.process`; the command itself uses every room.
"""
