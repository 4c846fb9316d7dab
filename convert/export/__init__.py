"""From a checkpoint to an export folder, its manifest, and the sample apps.

Uses every room but `edgetpu`.
"""
