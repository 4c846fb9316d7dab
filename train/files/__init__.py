"""File formats and helpers that know nothing of detection.

Belongs here: the cache folder, downloads, zip archives, untrusted JSON, YAML and XML, TFRecord, tf.train.Example and
process pools. Does not belong here: anything about images, boxes or data sets. Uses no other room.
"""
