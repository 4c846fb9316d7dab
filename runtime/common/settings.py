"""Settings that follow a name after commas: `picamera,size=1280x720,fps=30`, `crops/,every=2`."""

from __future__ import annotations

import argparse
import re
from typing import Any, Callable, Dict, Mapping, Tuple

from runtime.common.errors import InputError

# Makes a value of a text; raises ValueError or argparse's error with what is wrong about it.
Reader = Callable[[str], Any]


def split(spec: str) -> Tuple[str, str]:
    """The name, and the settings with the commas before them. A comma before no setting is the name's own."""
    start = re.search(r",\s*[\w-]+\s*=|,+$", spec)
    return (spec[: start.start()], spec[start.start() :]) if start else (spec, "")


def parse(spec: str, readers: Mapping[str, Reader], where: str = "") -> Tuple[str, Dict[str, Any]]:
    """The name in `spec`, and the settings that it gives, read by `readers`.

    Raises InputError, which begins with `where` (or else the spec), for a setting that is unknown or
    has no such value.
    """
    name, rest = split(spec)
    found = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = (text.strip() for text in part.partition("="))
        if key not in readers or not equals:
            raise InputError(f"{where or spec}: {part.strip()!r} is no setting of it; there are {', '.join(readers)}")
        try:
            found[key] = readers[key](value)
        except (ValueError, argparse.ArgumentTypeError) as error:
            raise InputError(f"{where or spec}: {key}={value}: {error}") from None
    return name, found
