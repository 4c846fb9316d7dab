"""What the readers of labelling tools' own files share: recognition of JSON, shapes, and entries of images.

Belongs here: what does not depend on one tool. Does not belong here: a tool's layout, which is a format. Uses
`dataset.examples` and `files`.
"""
