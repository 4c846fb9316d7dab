"""Post-training quantization of a folded graph: calibration, ranges, equalization and fake quantization.

Writing .tflite files belongs to `convert`. Uses `train.models` and `runtime.inference` (preprocessing).
"""
