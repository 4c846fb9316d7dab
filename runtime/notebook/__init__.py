"""Detections that show themselves in a notebook.

Belongs here: values with HTML of their own. Does not belong here: drawing on pixels, which is `media`. Uses `media`.
"""
