"""The hardware and libraries of this machine: Edge TPUs, cameras, delegate libraries, the interpreter's package.

Code here finds and loads them; running a model belongs to `inference`. Uses `common`.
"""
