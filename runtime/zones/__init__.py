"""Counts tracked objects at zones and lines: the stage of the loop between the filters and the sinks.

What zones and lines are is in `runtime.areas.areas`; drawing them belongs to `media`, sending the counts to `sinks`. Uses
`common`, `areas` and `filters`, whose tracker it starts where `--track` has not.
"""
