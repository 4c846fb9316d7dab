"""Helpers that several tests share: small detectors and data sets, servers, compilers, locks and paths.

What only one test file needs stays in that file.
"""
