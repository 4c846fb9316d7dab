"""A machine's files, folders and commands, of this machine or as recorded on another.

Uses no other room.
"""
