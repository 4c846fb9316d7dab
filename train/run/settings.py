"""A run's settings as a flat list of names and texts, to be shown and compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LIST = 4


def flat(config: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """`{"task": {"size": 320}}` as `{"task.size": "320"}`; what is not set is left out, long lists are counted."""
    found: dict[str, str] = {}
    for key, value in config.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            found.update(flat(value, f"{name}."))
        elif isinstance(value, (list, tuple)):
            found[name] = f"{len(value)} files" if key == "files" or len(value) > _LIST else ", ".join(map(str, value))
        elif value is not None and value != "":
            found[name] = f"{value:g}" if isinstance(value, float) else str(value)
    return found
