"""Files and processes that have nothing to do with detection.

Cache, downloads, archives, untrusted JSON, YAML and XML, TFRecord and tf.train.Example. Uses no other room.
"""
