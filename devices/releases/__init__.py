"""What a release is, and which release a device is offered: read by devices and publishers alike.

Uses no other room.
"""
