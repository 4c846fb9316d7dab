"""The folded graph: a network as plain operations, without batch norms, and how a Keras model becomes one.

Conversion and quantization-aware training both use it. Uses `train.geometry` and `train.layers`.
"""
