"""Data sets of labelled images: opened, checked, split, summarized.

`examples` holds the value types and what assembles them, `formats` one file for each format that is read, `writers`
one for each that is written. Uses `files`, `dataset.examples` and `dataset.formats`.
"""
