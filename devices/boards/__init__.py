"""The boards and phones that the kit knows: `profiles/*.yaml`, one a device.

Uses `host`.
"""
