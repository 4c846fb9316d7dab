"""What every other room of the runtime, and the other packages, build on.

Errors, value types, command line options, plug-in discovery, files written whole, tables of text. Nothing here
knows models, cameras or networks. Uses no other room.
"""
