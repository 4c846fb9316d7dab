"""From the float graph to int8: ranges, rounding of weights, dead channels.

Uses `evaluation`.
"""
