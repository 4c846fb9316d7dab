"""The options of `python -m runtime`, from the command line and from `runtime.yaml`.

Uses `common`, the plug-in rooms, and the option types of `frames`.
"""
