"""JSON files of strangers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runtime.common.errors import InputError
from train.files import untrusted_bytes

# In memory a file takes some ten times its size. COCO's largest has 0.45 GB.
MAX_BYTES = 2 << 30


def read(path: Path, name: str, *, without: frozenset[str] = frozenset()) -> Any:
    """What is in the JSON file at `path`, which messages call `name`.

    Objects lose the keys in `without` as they are read, which spares holding what nobody asks for.
    Raises InputError where the file cannot be read, is not JSON, or is too large.
    """
    drop = _dropper(without) if without else None
    data = untrusted_bytes.read(path, name, MAX_BYTES, "a file of annotations that memory is to hold")
    try:
        return json.loads(data, object_hook=drop)
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not a text file: {error}") from error
    except RecursionError as error:
        raise InputError(f"{name}: not JSON of this kind: lists within lists without an end") from error
    except ValueError as error:
        raise InputError(f"{name}: not JSON: {error}") from error


def _dropper(keys: frozenset[str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def drop(item: dict[str, Any]) -> dict[str, Any]:
        for key in keys:
            item.pop(key, None)
        return item

    return drop
