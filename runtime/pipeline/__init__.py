"""The loop: frames from a source, through a detector, into sinks, with a model that can be swapped.

`session` builds a run from its options, `iteration` gives one as an iterator. Uses every room but `bench`.
"""
