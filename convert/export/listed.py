"""The files of an export folder that its manifest lists, each compared with the hash that it has there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime.common.errors import InputError
from runtime.common.files import read_bytes

NAME = "manifest.json"


def manifest_of(export: Path) -> Mapping[str, Any] | None:
    """The manifest in the folder `export`, None where there is none. Raises InputError where it cannot be read."""
    path = export / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read: {error}; convert again") from error
    if not isinstance(content, dict) or not isinstance(content.get("files", {}), dict):
        raise InputError(f"{path}: no manifest of an export; convert again")
    return content


def names(export: Path) -> tuple[str, ...]:
    """The names of the files that the manifest in `export` lists. Raises InputError where there is no manifest."""
    manifest = manifest_of(export)
    if manifest is None:
        raise InputError(f"{export}: has no {NAME}: no export, or one that was interrupted; convert again")
    return tuple(manifest.get("files", {}))


def content(export: Path, name: str) -> bytes:
    """The bytes of the file `name` in `export`.

    Raises InputError where the file is missing, or where the manifest has another hash for it: it was changed, or is of
    another export.
    """
    data = read_bytes(export / name)
    entry = ((manifest_of(export) or {}).get("files", {})).get(name)
    wanted = entry.get("sha256") if isinstance(entry, dict) else None
    if wanted is not None and hashlib.sha256(data).hexdigest() != wanted:
        raise InputError(
            f"{export / name}: is not the file that {NAME} beside it lists: it was changed, or is of another export; convert again"
        )
    return data
