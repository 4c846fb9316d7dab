"""The installer: `python -m devices.install` sets up the runtime on a device, as a service that starts with the system.

`resources` are files, folders and links, `commands` are what other programs make, `target` is the system, and `manifest`
lists what was installed. `steps` has one file for each step. Models and their updates belong to `update`. Uses `boards`
and `host`.
"""
