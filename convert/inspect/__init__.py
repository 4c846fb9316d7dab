"""Describes a detection .tflite, made by the kit or not: `python -m convert.inspect`.

The rules it reports on belong to `contract`. Uses `file` and `contract`.
"""
