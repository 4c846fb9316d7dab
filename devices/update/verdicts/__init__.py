"""Judges a new release by what the runtime says of it: before it takes over (a hold), and after (a probation).

Only values and rules belong here: nothing that changes links, files or the updater's state. Uses `host` and the runtime's
`telemetry`.
"""
