"""The network SSD MobileNet v2 FPNLite and the functions on its outputs.

Here are layers, anchors, box coder, anchor matching, losses, batch norm folding and post-processing. Files of weights
belong to `train.checkpoints`, the training loop to `train.training`. Uses no other room.
"""
