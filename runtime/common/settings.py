"""Settings that follow a name after commas: `picamera,size=1280x720,fps=30`, `crops/,every=2`."""

from __future__ import annotations

import argparse
import re
from typing import Any, Callable, Dict, Mapping, Tuple

from runtime.common.errors import InputError

# Converts text to a value; raises ValueError or argparse.ArgumentTypeError with the reason where it cannot.
Reader = Callable[[str], Any]


def split(spec: str) -> Tuple[str, str]:
    """Splits `spec` into the name and the settings, which keep their commas.

    A comma that no setting follows is part of the name.
    """
    start = re.search(r",\s*[\w-]+\s*=|,+$", spec)
    return (spec[: start.start()], spec[start.start() :]) if start else (spec, "")


def parse(spec: str, readers: Mapping[str, Reader], where: str = "") -> Tuple[str, Dict[str, Any]]:
    """The name in `spec`, and its settings as values, each converted by the function of that key in `readers`.

    Raises InputError for an unknown setting or a wrong value; the message begins with `where`, by default `spec`.
    """
    name, rest = split(spec)
    found: Dict[str, Any] = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = (text.strip() for text in part.partition("="))
        if key not in readers or not equals:
            raise InputError(f"{where or spec}: {part.strip()!r} is no setting of it; there are {', '.join(readers)}")
        try:
            found[key] = readers[key](value)
        except (ValueError, argparse.ArgumentTypeError) as error:
            raise InputError(f"{where or spec}: {key}={value}: {error}") from None
    return name, found
