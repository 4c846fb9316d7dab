"""Labelled images as values, and everything that the readers of formats share.

Belongs here: examples and boxes, their assembly and checks, image files and pixels, label maps, split names. Does not
belong here: anything about one format. Uses `files`.
"""
