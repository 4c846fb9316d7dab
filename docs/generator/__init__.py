"""Makes the documentation site: the pages of docs/, and reference pages made from the code.

Belongs to the repository, not to the package: it may use all of the kit, and nothing of the kit uses it.
"""
