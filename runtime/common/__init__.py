"""What all other rooms and packages use: errors, value types, options, plug-in discovery, atomic files, text tables.

Nothing here knows about models, cameras or networks. Uses no other room.
"""
