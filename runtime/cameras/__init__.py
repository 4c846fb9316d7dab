"""Several cameras in one process, which share one model and its engines.

`session` runs them, each in a thread with a loop of its own (`runtime.pipeline.loop`). What concerns one camera alone does
not belong here. Uses `config`, `filters`, `inference`, `inference.process`, `pipeline`, `sinks`, `sources` and `telemetry`.
"""
