"""Data sets of labelled images: opening, validation, splitting and summary.

`examples` holds the value types and what readers share, `formats` one file for each format that is read, `writers` one
for each format that is written. Does not belong here: TFRecord caches for training (`records`). Uses `files`.
"""
