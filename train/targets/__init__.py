"""What a network is trained for and what becomes of its outputs: box coder, matching, losses and post-processing.

Uses `train.geometry` and `train.layers`.
"""
