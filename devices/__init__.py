"""Machines: which boards and phones there are, what they need, how one is doing, and how models reach it.

A device runs `runtime`; this package prepares the device, looks after it and renews its model, and
knows nothing of how a model was trained or converted.
"""
