"""Reads .tflite files without an interpreter.

FlatBuffers, tensors and operators, TFLite Metadata, labels, the order of outputs and raw heads belong here; running a
model does not. Uses `common`.
"""
