"""The formats that publishers write and devices read: releases, channels, bundles, and the types of TUF.

Signing, writing bundles and downloading do not belong here. Uses no other room.
"""
