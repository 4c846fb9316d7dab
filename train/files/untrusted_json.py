"""Reading of untrusted JSON files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

from runtime.common.errors import InputError
from train.files import untrusted_bytes

# The parsed data takes about ten times the file's size. The largest file of COCO has 0.45 GB.
MAX_BYTES = 2 << 30


def read(
    path: Path,
    name: str,
    *,
    without: frozenset[str] = frozenset(),
    hook: Optional[Callable[[dict[str, Any]], dict[str, Any]]] = None,
) -> Any:
    """Returns the parsed contents of the JSON file at `path`; error messages call it `name`.

    The keys in `without` are dropped from all objects while parsing, to save memory, and what `hook` returns for an
    object takes its place. Raises InputError if the file cannot be read, is not JSON, or is too large.
    """
    drop = hook or (_dropper(without) if without else None)
    data = untrusted_bytes.read(path, name, MAX_BYTES, "a file of annotations that memory is to hold")
    try:
        return json.loads(data, object_hook=drop)
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not a text file: {error}") from error
    except RecursionError as error:
        raise InputError(f"{name}: not JSON of this kind: lists are nested too deeply") from error
    except ValueError as error:
        raise InputError(f"{name}: not JSON: {error}") from error


def _dropper(keys: frozenset[str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def drop(item: dict[str, Any]) -> dict[str, Any]:
        for key in keys:
            item.pop(key, None)
        return item

    return drop
