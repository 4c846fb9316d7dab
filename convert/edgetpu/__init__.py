"""Files for the Edge TPU: the compiler and its report, and a prediction without it; `python -m convert.edgetpu`.

Running compiled files belongs to `runtime`. Uses `file` and `contract`.
"""
