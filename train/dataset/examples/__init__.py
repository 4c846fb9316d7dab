"""One labelled image, and everything that readers of formats share.

Image files and their pixels, assembly with its checks, label maps, names of splits. Uses `files`.
"""
