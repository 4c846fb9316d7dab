"""Flattens a run's settings to names and texts, to show and compare them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LIST = 4


def flat(config: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """Flattens `config`: `{"task": {"size": 320}}` becomes `{"task.size": "320"}`.

    None and empty texts are left out. Of lists of more than four items and of `files`, only the length is given.
    `above` is put before every name.
    """
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
