"""The detection loop: frames from a source, through a detector, into sinks, with a model that can be swapped.

`session` builds a run from its options, `iteration` offers a run as an iterator. Sources, sinks, filters and engines
themselves do not belong here. Uses `common`, `config`, `filters`, `frames`, `inference`, `sinks`, `sources` and
`telemetry`.
"""
