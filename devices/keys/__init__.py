"""The keys of a fleet: `python -m devices.keys`.

Uses `host` and `releases`.
"""
