"""Images drawn by a seed: scenes of coloured shapes over textures, as a data set or a video.

Uses `files` and `dataset`.
"""
