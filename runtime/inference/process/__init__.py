"""An engine in a process of its own, which can be ended when it hangs.

Uses `common`, `machine`, `inference`, `inference.engines` and `telemetry`.
"""
