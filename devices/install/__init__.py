"""The installer: `python -m devices.install`.

`steps` holds one file for each step. Resources are files, folders and links; commands make what other programs make.
Uses `host` and `boards`.
"""
