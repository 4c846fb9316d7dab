"""Ranges, scales and equalization: what turns a folded graph into an int8 one.

Writing the .tflite is `convert`. Uses `models`.
"""
