"""The self-test: images with the detections that a model must find on this machine.

Deciding what to do when it fails belongs to `update` and `doctor`. Uses no other room of this package.
"""
