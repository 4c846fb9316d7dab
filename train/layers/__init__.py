"""Pieces of networks in Keras: backbones, feature pyramids, predictors, and their layers. Uses `train.geometry`."""
