"""Label maps of the Object Detection API: `item { id: 1 name: 'cat' }` in protocol buffer text format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from runtime.common.errors import InputError
from runtime.common.values import Labels
from train.files import text_format, untrusted_bytes

_MAX_BYTES = 16 << 20
_NO_ID = -1


@dataclass(frozen=True)
class LabelMapItem:
    """A class of a label map: its number, which counts from 1, its name, and its name for display."""

    id: int
    name: str
    display: str

    @property
    def label(self) -> str:
        """The class name: `display` if given, since `name` is a code such as /m/01g317 in COCO's and Open Images' maps."""
        return _clean(self.display or self.name)

    @property
    def spellings(self) -> tuple[str, ...]:
        """The names by which records may refer to the class."""
        return _clean(self.name), _clean(self.display)


def _clean(name: str) -> str:
    return " ".join(name.split())


def text(labels: Labels) -> str:
    """Returns the text of a label map with `labels`, numbered from 1."""
    items = (f"item {{\n  id: {number}\n  name: '{_escape(name)}'\n}}\n" for number, name in enumerate(labels, 1))
    return "".join(items)


def read(path: Path, name: str) -> dict[int, LabelMapItem]:
    """Returns the items of the label map at `path` by id, in ascending order.

    If no item has an id, they are numbered from 1 in their order. Error messages call the file `name`. Raises
    InputError if it cannot be read, is not a label map, or gives one id to two classes.
    """
    source = untrusted_bytes.read_text(path, name, _MAX_BYTES, "a label map")
    try:
        items = _numbered(list(_items(text_format.tokens(source))))
    except ValueError as error:
        raise InputError(f"{name}: not a label map: {error}") from error
    found: dict[int, LabelMapItem] = {}
    for item in sorted(items, key=lambda item: item.id):
        if found.setdefault(item.id, item).label != item.label:
            raise InputError(f"{name}: the id {item.id} is that of {found[item.id].label!r} and of {item.label!r}")
    if not found:
        raise InputError(f"{name}: no item in it; a label map has lines such as item {{ id: 1 name: 'cat' }}")
    return found


def _numbered(items: list[LabelMapItem]) -> list[LabelMapItem]:
    if any(item.id != _NO_ID for item in items):
        if any(item.id == _NO_ID for item in items):
            raise ValueError("an item has no id")
        return items
    return [replace(item, id=number) for number, item in enumerate(items, 1)]


def _items(tokens: Iterator[str]) -> Iterator[LabelMapItem]:
    for token in tokens:
        if token in (",", ";"):
            continue
        if token != "item":
            raise ValueError(f"{token[:20]!r} where an item is expected")
        if next(_after_colon(tokens), "") not in ("{", "<"):
            raise ValueError("an item has no braces")
        yield _item(tokens)


def _item(tokens: Iterator[str]) -> LabelMapItem:
    fields = {"id": "", "name": "", "display_name": ""}
    for token in tokens:
        if token in ("}", ">"):
            id = text_format.unquoted(fields["id"])
            if id and not id.isdecimal():
                raise ValueError(f"an item has the id {id[:20]!r}, which is not a whole number")
            name, display = (text_format.unquoted(fields[key]) for key in ("name", "display_name"))
            item = LabelMapItem(int(id) if id else _NO_ID, name, display)
            if not item.label:
                raise ValueError(f"the item {id} has no name")
            return item
        if token in (",", ";"):
            continue
        value = next(_after_colon(tokens), "")
        if value in ("{", "<", "["):
            _skip(tokens)
        elif token in fields:
            fields[token] = value
    raise ValueError("an item has no end")


def _after_colon(tokens: Iterator[str]) -> Iterator[str]:
    return (token for token in tokens if token != ":")


def _skip(tokens: Iterator[str]) -> None:
    depth = 1
    for token in tokens:
        depth += (token in ("{", "<", "[")) - (token in ("}", ">", "]"))
        if not depth:
            return


def _escape(name: str) -> str:
    """Escapes `name` for single quotes in protocol buffer text format."""
    return name.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
