"""Data sets as sharded TFRecords: `python -m train.records`, and the cache from which training reads.

Belongs here: making and writing shards, by processes of this machine or by Apache Beam. Does not belong here: the
TFRecord container and tf.train.Example (`files`), reading of TFRecord data sets (`dataset.formats`). Uses `files` and
`dataset`.
"""
