"""What this machine has: Edge TPUs, cameras, delegate libraries, the package that holds the interpreter.

Only looks and loads; running a model is `inference`. Uses `common`.
"""
