"""The doctor: `python -m devices.doctor`.

`checks` holds one file for each check. Uses `host`, `boards`, `selftest` and `install`.
"""
