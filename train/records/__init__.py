"""A data set as sharded TFRecords: `python -m train.records`, and the cache that training reads.

Uses `files` and `dataset`.
"""
