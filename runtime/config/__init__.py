"""The options of `python -m runtime`, from the command line and from a configuration file such as `runtime.yaml`.

What an option does belongs to its own room. Uses `common`, `frames`, `inference.engines` and the plug-in rooms
`sources`, `filters` and `sinks`.
"""
