"""Places on the image: corners as options give them, zones and lines, and what was counted there. Uses `common` only.

Counting belongs to `zones`, drawing to `media`.
"""
