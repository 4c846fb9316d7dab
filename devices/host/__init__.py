"""Files and commands of a machine, paths of the kit on a device, fsync, and calls with a timeout.

What knows boards, models or releases does not belong here. Uses no other room.
"""
