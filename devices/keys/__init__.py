"""The keys that sign the releases of a fleet: `python -m devices.keys`.

What is signed with them belongs to `publish`. Uses `host` and `releases`.
"""
