"""Files of weights that other frameworks wrote: PyTorch's checkpoints, ONNX, ncnn. Here they are only read.

What their tensors are for in a network belongs to `train.network`. Uses no other room.
"""
