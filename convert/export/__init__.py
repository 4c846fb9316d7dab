"""From a checkpoint to an export folder with its manifest, and from there into the sample apps.

How a single file is built or checked belongs to the rooms it uses: all but `edgetpu`.
"""
