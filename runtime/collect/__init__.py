"""Collects frames that are worth labelling, so that the next training learns what the detector is wrong about.

`choices` decide which frames; `store` keeps them within a budget; `pairs` are the files, an image with a PASCAL VOC annotation
each, which `python -m train` and label tools open. Labelling belongs to `train`, fetching from devices to `devices`. Uses `boxes` and
`media`.
"""
