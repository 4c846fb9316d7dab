"""Versions of installed packages."""

from __future__ import annotations


def package(name: str) -> str:
    """The version of the distribution that pip knows as `name`; empty where it is not installed."""
    # Importing this takes longer than the rest of the start of a short run.
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
