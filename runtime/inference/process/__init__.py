"""An engine in a process of its own, which is ended and replaced when it hangs or crashes.

The child process, its start, the memory shared with it and the queue of inputs belong here; loading a model does not.
Uses `common`, `machine`, `inference`, `inference.engines` and `telemetry`.
"""
