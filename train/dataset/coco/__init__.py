"""Rules of COCO's annotations that hold wherever such a file is read: as a data set, and as ground truth.

Does not belong here: what is done with the annotations. Uses nothing of the other rooms.
"""
