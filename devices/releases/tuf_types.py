"""The classes of python-tuf and securesystemslib that the kit uses, with their types.

Both libraries import these names into a public module without listing them in `__all__`, which mypy's strict mode
reports. They are named here once. Importing this module needs both libraries; `tuf_library.require` checks that first.
"""

from __future__ import annotations

from securesystemslib.signer import CryptoSigner, Signer  # type: ignore[attr-defined] # public, but not in `__all__`
from tuf.api.metadata import (  # type: ignore[attr-defined] # public, but not in `__all__`
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Signed,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

# The kit's own field of a timestamp: when it was signed, in seconds since 1970. TUF's clients ignore what they don't know.
SIGNED_AT = "x-edge-detection-kit-signed"

__all__ = [
    "SIGNED_AT",
    "CryptoSigner",
    "DelegatedRole",
    "Delegations",
    "MetaFile",
    "Metadata",
    "Root",
    "Signed",
    "Signer",
    "Snapshot",
    "TargetFile",
    "Targets",
    "Timestamp",
]
