"""The updater, `python -m devices.update`, which runs on the device: download, verification, self-test, probation.

How a new release is judged belongs to `verdicts`. Publishing a release does not belong here, and nothing of `publish` and
`keys` is imported. Uses `host` and `releases`; the command also uses `selftest`.
"""
