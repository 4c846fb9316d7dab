"""What is in a .tflite file, read without an interpreter.

FlatBuffers, tensors and operators, TFLite Metadata, labels, the order of outputs, raw heads. Nothing here runs a
model. Uses `common`.
"""
