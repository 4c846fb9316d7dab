"""The Edge TPU: prediction, compiler, its report: `python -m convert.edgetpu`.

Uses `file` and `contract`.
"""
