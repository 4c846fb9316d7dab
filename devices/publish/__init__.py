"""The publisher, `python -m devices.publish`: makes releases, signs repositories, writes bundles.

What a device does with a release does not belong here. Uses `host`, `releases`, `selftest` and `keys`.
"""
