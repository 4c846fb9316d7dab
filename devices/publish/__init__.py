"""The publisher: `python -m devices.publish`, repositories and bundles.

Uses `host`, `releases`, `selftest` and `keys`.
"""
