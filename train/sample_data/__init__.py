"""Generation of sample data: scenes of colored shapes on textures, as a data set or a video (`python -m train.generate`).

Does not belong here: reading or augmenting images. Uses `files` and `dataset`.
"""
