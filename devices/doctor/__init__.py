"""The doctor: `python -m devices.doctor` checks whether a machine is fit to run a detector.

`checks` has one file for each check. Changing the machine belongs to `install`. The command uses `boards` and `host`.
"""
