"""The self-test: images with the detections that a model must find on this machine.

Uses no other room.
"""
