"""From the float graph to the int8 graph: dead channels removed, ranges calibrated, weights rounded.

How int8 is imitated in float belongs to `train.quantization`. Uses `evaluation`.
"""
