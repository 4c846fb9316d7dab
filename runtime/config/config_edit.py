"""Sets one item of a list in `runtime.yaml`, and leaves the rest of the file as it is, with its comments."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import stat
import threading
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from runtime.common import yaml_text
from runtime.common.errors import InputError
from runtime.common.files import atomic_path, read_bytes
from runtime.config.cameras import SOURCES
from runtime.config.config_file import EXTRA

# Pages of several cameras may save at the same time.
_SAVING = threading.Lock()


def set_item(path: str, key: str, name: str, text: Optional[str], camera: str = "") -> None:
    """Sets the item `NAME=...` of the list `key` to `text`, or removes it where that is None.

    With `camera`, it is the list of that camera, below `sources`; one that has none of its own begins with that of all
    cameras. The file is replaced atomically and keeps its permissions, and its owner where it may. Raises InputError where it cannot
    be written, is no YAML, or is laid out so that the item cannot be set by itself; it is unchanged then.
    """
    with _SAVING:
        _set_item(path, key, name, text, camera)


def _set_item(path: str, key: str, name: str, text: Optional[str], camera: str) -> None:
    target = Path(os.path.realpath(path))
    data = read_bytes(target)
    root, content = yaml_text.read(target, EXTRA)
    content = {} if root is None else content
    if not isinstance(content, dict):
        raise InputError(f"{path}: line {root.start_mark.line + 1}: give options as NAME: VALUE, one a line")
    node, holder = (root, content) if not camera else _entry(path, root, content, camera)
    inherited = _as_list(content.get(key)) if camera else []
    items = _as_list(holder[key]) if key in holder else inherited
    at = next((place for place, item in enumerate(items) if _text(item).startswith(f"{name}=")), None)
    if at is None and text is None:
        return
    changed = [*items[: len(items) if at is None else at], *([] if text is None else [text])]
    changed += [] if at is None else items[at + 1 :]
    own = {**holder, key: changed}
    if not changed and not inherited:
        del own[key]
    wanted = {**content, SOURCES: {**content[SOURCES], camera: own}} if camera else own
    before = data.decode("utf-8-sig")
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    if camera and key not in holder:
        after = _with_list(before, node, key, changed)
    elif camera and not changed and inherited:
        after = _emptied(before, node, key)
    else:
        after = _edited(before, node, key, at, text, changed)
    try:
        # The file is replaced, for which its folder alone would have to be writable.
        if not os.access(target, os.W_OK):
            raise InputError(f"{path}: cannot be written: it is read-only for this user")
        about = target.stat()
        with atomic_path(target, stat.S_IMODE(about.st_mode)) as temporary:
            temporary.write_bytes(mark + after.encode("utf-8"))
            # It stays its owner's, as far as this user may give files away.
            with contextlib.suppress(OSError, AttributeError):
                os.chown(temporary, about.st_uid, about.st_gid)
            if read_bytes(target) != data:
                raise InputError(f"{path}: another program has just changed it; try again")
            # Whatever the layout was: what says anything else is not put in the file's place.
            if _read_again(temporary, key, camera) != wanted:
                raise InputError(
                    f"{path}: {key} {name} cannot be set in it by itself; write by hand, below {key}: - {text or 'nothing'}"
                )
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def _entry(path: str, root: Any, content: Any, camera: str) -> Tuple[Any, Dict[str, Any]]:
    """The node of a camera's entry, and what it says; only the source is said where no options are."""
    cameras = content.get(SOURCES)
    if not isinstance(cameras, dict) or camera not in cameras:
        raise InputError(f"{path}: has no camera {camera} below {SOURCES}; write it there, with what is to be kept of it")
    node = _value(_value(root, SOURCES), camera)
    entry = cameras[camera]
    return node, entry if isinstance(entry, dict) else {"source": entry}


def _value(mapping: Any, key: str) -> Any:
    return next(value for found, value in mapping.value if found.value == key)


def _with_list(before: str, node: Any, key: str, items: List[Any]) -> str:
    """The file's text with a list that the mapping `node`, or the source alone that stands there, does not have yet."""
    flow = f"{key}: [{', '.join(map(_quoted, items))}]"
    if node.id != "mapping":
        start, end = node.start_mark.index, node.end_mark.index
        # A number stays one.
        source = node.value if node.value.isdigit() else _quoted(node.value)
        return f"{before[:start]}{{source: {source}, {flow}}}{before[end:]}"
    if node.flow_style:
        end = node.end_mark.index - 1
        return f"{before[:end].rstrip()}, {flow}{before[end:]}"
    ending = "\r\n" if "\r\n" in before else "\n"
    lines = before.splitlines(keepends=True)
    first, (_, last) = node.value[0][0], node.value[-1]
    indent = " " * first.start_mark.column
    at = _last_line(last) if last.id == "sequence" else last.end_mark.line - (not last.end_mark.column)
    lines[at] = lines[at].rstrip("\r\n") + ending
    added = [f"{indent}{key}:{ending}", *(f"{indent}  - {_quoted(item)}{ending}" for item in items)]
    return "".join([*lines[: at + 1], *(added if items else [f"{indent}{flow}{ending}"]), *lines[at + 1 :]])


def _emptied(before: str, node: Any, key: str) -> str:
    """The file's text with an empty list, which differs from none where all cameras have one."""
    name, value = next(pair for pair in node.value if pair[0].value == key)
    start, end = name.end_mark.index, value.end_mark.index
    if value.id == "sequence" and not value.flow_style:
        # Up to its last item: what its end mark says is behind the comments that follow.
        end = value.value[-1].end_mark.index
    return f"{before[:start]}: []{before[end:]}"


def _read_again(path: Path, key: str, camera: str) -> Any:
    try:
        content = yaml_text.read(path, EXTRA)[1] or {}
    except InputError:
        return None
    holder = content
    if camera and isinstance(content, dict) and isinstance(content.get(SOURCES), dict):
        holder = content[SOURCES].get(camera)
    if isinstance(holder, dict) and key in holder:
        holder[key] = _as_list(holder[key])
    return content


def _edited(before: str, root: Any, key: str, at: Optional[int], text: Optional[str], changed: List[Any]) -> str:
    """The file's text with item `at` of `key` (None for a new one) replaced by `text`, or without it."""
    ending = "\r\n" if "\r\n" in before else "\n"
    written = None if text is None else _quoted(text)
    pair = next((pair for pair in root.value if pair[0].value == key), None) if root is not None else None
    if pair is None:
        gap = "" if not before or before.endswith("\n") else ending
        return before if written is None else f"{before}{gap}{key}:{ending}  - {written}{ending}"
    name, value = pair
    lines = before.splitlines(keepends=True)
    if not changed:
        last = value.end_mark.line if value.end_mark.column else value.end_mark.line - 1
        last = max(_last_line(value), name.start_mark.line) if value.id == "sequence" else last
        return "".join([*lines[: name.start_mark.line], *lines[last + 1 :]])
    if value.id != "sequence" or value.flow_style:
        start, end = value.start_mark.index, value.end_mark.index
        gap = "" if start > name.end_mark.index + 1 else " "
        return f"{before[:start]}{gap}[{', '.join(map(_quoted, changed))}]{before[end:]}"
    if at is None:
        last_item = value.value[-1]
        dash = lines[last_item.start_mark.line][: last_item.start_mark.column]
        last = _last_line(value)
        lines[last] = lines[last].rstrip("\r\n") + ending
        return "".join([*lines[: last + 1], f"{dash}{written}{ending}", *lines[last + 1 :]])
    item = value.value[at]
    if written is None:
        return "".join([*lines[: item.start_mark.line], *lines[_end_line(item) + 1 :]])
    return before[: item.start_mark.index] + written + before[item.end_mark.index :]


def _last_line(sequence: Any) -> int:
    """The last line of a sequence's last item, from 0; what its own end mark says is behind the comments that follow."""
    if sequence.flow_style or not sequence.value:
        return int(sequence.end_mark.line)
    return _end_line(sequence.value[-1])


def _end_line(node: Any) -> int:
    return int(node.end_mark.line)


def _quoted(item: Any) -> str:
    # JSON's texts are YAML's too, with all marks that names may hold.
    return json.dumps(_text(item), ensure_ascii=False)


def _text(item: Any) -> str:
    return ",".join(map(str, item)) if isinstance(item, list) else str(item)


def _as_list(value: Any) -> List[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
