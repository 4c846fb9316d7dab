"""From an image to detections: preprocessing, the interpreter, decoding and NMS.

`engines` has one file for each way to run a model; `process` runs a model in a process of its own. The loop over frames
belongs to `pipeline`. Uses `common`, `machine`, `model` and `inference.engines`.
"""
