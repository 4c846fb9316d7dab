"""What happens to frames between a source and the detector: queueing, motion detection, regions of interest.

Reading frames belongs to `sources`, scaling them for the model to `inference.preprocessing`. Uses `common` only.
"""
