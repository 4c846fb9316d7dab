"""The boards and phones that the kit knows: `profiles/*.yaml`, one for each device.

What is done on a device belongs to `doctor`, `install` and `update`. Uses `host`.
"""
