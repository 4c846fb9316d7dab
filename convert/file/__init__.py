"""The .tflite file: its graph written, its FlatBuffer edited, its metadata packed.

What a file must fulfil is `contract`. Uses no other room.
"""
