"""The publisher, `python -m devices.publish`: makes releases, signs repositories, writes bundles.

What a device does with a release does not belong here; `read_back` reads with the device's code, `update`, what is
published. Uses `host`, `releases`, `selftest`, `keys` and `update`.
"""
