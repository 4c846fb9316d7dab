"""From an image to detections: preprocessing, the interpreter, decoding, NMS.

`engines` holds one file for each way to run a model, `process` what runs one in a process of its own. The loop over
frames is `pipeline`. Uses `common`, `machine`, `model` and `inference.engines`.
"""
