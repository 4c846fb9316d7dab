"""From an image to detections: preprocessing, the interpreter and what makes detections of its outputs.

`decoders` has one file for each kind of raw outputs, `engines` one for each way to run a model; `process` runs a model
in a process of its own. The loop over frames belongs to `pipeline`. Uses `common`, `boxes`, `model`,
`inference.decoders` and `inference.engines`.
"""
