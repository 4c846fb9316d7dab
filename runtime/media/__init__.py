"""Image files, fragmented MP4 files, H.264, and drawing on images.

Reading frames from a source and writing results belong to `sources` and `sinks`. Uses `common`.
"""
