"""YAML files that hold one value type, and errors that name the line and the field."""

from __future__ import annotations

import functools
import os
from importlib import import_module
from pathlib import Path
from typing import Any, Iterable, Optional, Tuple, Type, TypeVar, Union

from runtime.errors import InputError

Value = TypeVar("Value")


def read(path: Union[str, os.PathLike], kind: Type[Value]) -> Value:
    """The file's content as a `kind`, a dataclass, with everything in it checked against its types.

    Raises InputError with the file, the line and the field of what is wrong first.
    """
    yaml, pydantic = _library("yaml", "PyYAML"), _library("pydantic", "pydantic")
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    try:
        # PyYAML's own parser takes ten times as long, which a small board feels.
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        content = yaml.constructor.SafeConstructor().construct_document(root) if root else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        raise InputError(f"{path}:{line} no YAML: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: line 1: give fields as NAME: VALUE, one a line")
    _refuse_doubles(path, root)
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


def _refuse_doubles(path: Union[str, os.PathLike], node: Any) -> None:
    if node.id == "sequence":
        for item in node.value:
            _refuse_doubles(path, item)
    if node.id != "mapping":
        return
    lines = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.value in lines:
            raise InputError(f"{path}: line {line}: {key.value}: is given twice, first in line {lines[key.value]}")
        lines[key.value] = line
        _refuse_doubles(path, value)


def _library(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise InputError(
            f"this needs {package}, which is not installed; run: pip install 'edge-detection-kit[devices]'"
        ) from None
