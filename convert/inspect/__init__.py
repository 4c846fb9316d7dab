"""What is in a detection .tflite: `python -m convert.inspect`.

Uses `file` and `contract`.
"""
