"""Image and video files, and what is drawn on images.

Where frames come from and where they go is `sources` and `sinks`. Uses `common`.
"""
