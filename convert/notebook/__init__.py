"""Conversion from a notebook or a program: `convert`, and the results of it and of `convert.evaluate`.

Belongs here: what `from convert import ...` gives, and how it shows itself. Does not belong here: how files are made
and measured, which is `export` and `evaluation`. Uses those and `edgetpu`.
"""
