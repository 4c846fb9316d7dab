"""Checks for the packages that publishing and updating need."""

from __future__ import annotations

from runtime.common.errors import InputError


def require() -> None:
    """Raises InputError where they are not installed."""
    try:
        import securesystemslib  # noqa: F401
        import tuf  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"updates need the packages tuf and securesystemslib ({error}); run: "
            "pip install 'edge-detection-kit[devices]'"
        ) from error
