"""Reads YAML files into dataclasses, with errors that name the line and the field."""

from __future__ import annotations

import functools
import os
from types import ModuleType
from typing import Any, Hashable, Iterable, Optional, Tuple, Type, TypeVar, Union, cast

from runtime.common import yaml_text
from runtime.common.errors import InputError

EXTRA = "devices"

Value = TypeVar("Value")


def read(path: Union[str, os.PathLike[str]], kind: Type[Value]) -> Value:
    """Reads a file as a value of the dataclass `kind`, and checks it against the types of the fields.

    Raises InputError with the file, the line and the field of the first error.
    """
    pydantic = yaml_text.library("pydantic", "pydantic", EXTRA)
    document, content = yaml_text.read(path, EXTRA)
    if not isinstance(content, dict):
        raise InputError(f"{path}: line 1: give fields as NAME: VALUE, one a line")
    try:
        value: Value = _adapter(pydantic, cast(Hashable, kind)).validate_python(content)
        return value
    except pydantic.ValidationError as error:
        wrong = error.errors()[0]
        field = ".".join(str(part) for part in wrong["loc"])
        line = _line(document, wrong["loc"])
        message = _message(wrong["type"], wrong["msg"].replace("Value error, ", "", 1))
        raise InputError(f"{path}: line {line}: {f'{field}: ' if field else ''}{message}") from error


@functools.cache
def _adapter(pydantic: ModuleType, kind: Hashable) -> Any:
    return pydantic.TypeAdapter(kind)


def _message(kind: str, message: str) -> str:
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return "there is no such field"
    if kind in ("missing", "missing_argument"):
        return "is missing"
    return message[:1].lower() + message[1:]


def _child(node: Any, part: Union[str, int]) -> Optional[Tuple[Any, Any]]:
    """The value under `part` in a mapping or a list: the node where it begins, and its own node."""
    if isinstance(part, int) and isinstance(node.value, list) and node.id == "sequence":
        return (node.value[part], node.value[part]) if part < len(node.value) else None
    if node.id == "mapping":
        for key, value in node.value:
            if key.value == part:
                return key, value
    return None


def _line(document: Any, location: Iterable[Union[str, int]]) -> int:
    """The line of the innermost part of `location` that the file has."""
    mark, node = document, document
    for part in location:
        found = _child(node, part)
        if found is None:
            break
        mark, node = found
    return int(mark.start_mark.line) + 1
