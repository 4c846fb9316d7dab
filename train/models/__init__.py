"""The network and the mathematics of its outputs: anchors, box codes, matching, losses, folding, decoding.

Weights on disk are `checkpoints`; training loops are `training`. Uses no other room.
"""
