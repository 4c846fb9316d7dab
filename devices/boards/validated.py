"""YAML files that hold one value type, and errors that name the line and the field."""

from __future__ import annotations

import functools
import os
from typing import Any, Iterable, Optional, Tuple, Type, TypeVar, Union

from runtime.common import yaml_text
from runtime.common.errors import InputError

EXTRA = "devices"

Value = TypeVar("Value")


def read(path: Union[str, os.PathLike], kind: Type[Value]) -> Value:
    """The file's content as a `kind`, a dataclass, with everything in it checked against its types.

    Raises InputError with the file, the line and the field of what is wrong first.
    """
    pydantic = yaml_text.library("pydantic", "pydantic", EXTRA)
    root, content = yaml_text.read(path, EXTRA)
    if not isinstance(content, dict):
        raise InputError(f"{path}: line 1: give fields as NAME: VALUE, one a line")
    try:
        return _adapter(pydantic, kind).validate_python(content)
    except pydantic.ValidationError as error:
        wrong = error.errors()[0]
        field = ".".join(str(part) for part in wrong["loc"])
        line = _line(root, wrong["loc"])
        said = _said(wrong["type"], wrong["msg"].replace("Value error, ", "", 1))
        raise InputError(f"{path}: line {line}: {f'{field}: ' if field else ''}{said}") from error


@functools.cache
def _adapter(pydantic: Any, kind: Type[Value]) -> Any:
    return pydantic.TypeAdapter(kind)


def _said(kind: str, message: str) -> str:
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return "there is no such field"
    if kind in ("missing", "missing_argument"):
        return "is missing"
    return message[:1].lower() + message[1:]


def _child(node: Any, part: Union[str, int]) -> Optional[Tuple[Any, Any]]:
    """What stands under `part` in a mapping or a list: where it begins, and the node itself."""
    if isinstance(part, int) and isinstance(node.value, list) and node.id == "sequence":
        return (node.value[part], node.value[part]) if part < len(node.value) else None
    if node.id == "mapping":
        for key, value in node.value:
            if key.value == part:
                return key, value
    return None


def _line(root: Any, place: Iterable[Union[str, int]]) -> int:
    """The line of the innermost part of `place` that the file has."""
    mark, node = root, root
    for part in place:
        found = _child(node, part)
        if found is None:
            break
        mark, node = found
    return mark.start_mark.line + 1
