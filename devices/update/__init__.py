"""The updater: `python -m devices.update`, on the device.

Nothing of the publisher's (`publish`, `keys`) is imported here. Uses `host`, `releases` and `selftest`.
"""
