"""The command `edk`: its verbs, the handover to the command behind a verb, and shell completion.

What a verb does belongs to the command that it hands over to. Uses no other room and only the standard library, so that
a verb's own work begins soon.
"""
