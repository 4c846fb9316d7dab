"""Class names from files that are more than a list of lines: label maps, YAML of data sets, and JSON.

Read without their libraries, which a device need not have, and only as far as names are concerned.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Dict, Iterator, List, Mapping, Match, Optional, Sequence, Tuple, Union

from runtime.common.errors import InputError

# More ids than this are no class ids; each makes a label.
MOST_CLASSES = 100_000

_MOST_PYTHON = 1 << 20

# A quoted text, or one that ends at a comma or at a bracket.
_QUOTED = r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\""
_PBTXT_FIELD = re.compile(rf"(\w+)\s*:\s*({_QUOTED}|[^\s,;{{}}]+)|([{{}}<>])")
_PBTXT = re.compile(r"\s*(?:#[^\n]*\n\s*)*item\s*:?\s*[{<]")
_NAMES = re.compile(r"^(['\"]?)names\1[ \t]*:[ \t]*(.*)$", re.M)
_FLOW_ITEM = re.compile(rf"\s*(?:(\d+)\s*:\s*)?({_QUOTED}|[^,\]}}\n#][^,\]}}\n]*)\s*")
_DASH = re.compile(r"\s*-\s+(\S.*)")
_NUMBERED = re.compile(r"\s+['\"]?(\d+)['\"]?\s*:\s*(\S.*)")


def parse(text: str, where: str) -> Optional[Tuple[str, ...]]:
    """The names in `text` by class id from 0, `class N` for ids without one; None where it has none of these formats.

    - A label map of the TensorFlow Object Detection API (`item { id: 1 name: 'cat' }`): ids count from 1, and
      `display_name` comes before `name`, which is a code in the maps of COCO and Open Images.
    - `names` in the YAML of a YOLO data set: a list, or numbers with names; or a list alone.
    - JSON, or the same as Python writes it, which YOLO exporters pack into a .tflite: a list of names, an object of
      numbers and names, or an object whose `names` or `id2label` is one of these.

    Raises InputError where it has such a format and gives no names, and where it is XML.
    """
    if _PBTXT.match(text):
        return _by_id(_label_map(text), where, "a label map")
    first, last = text.strip()[:1], text.strip()[-1:]
    if first in ("[", "{") or (first, last) == ("(", ")"):
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            content = _python(text)
        if content is not None:
            return _by_id(_json(content), where, "JSON")
        # A name in brackets is a name; what ends with another bracket, or is but one line, is no list of lines.
        if last in ("]", "}", ")") or "\n" not in text.strip():
            raise InputError(f"{where}: begins as JSON does, and is not; write one class name a line")
    if first == "<" and last == ">":
        raise InputError(f"{where}: is XML, not a list of class names; write one class name a line")
    lines = [line for line in _content(text) if line.strip() != "---"]
    if lines and all(map(_DASH.fullmatch, lines)):
        return _by_id(_yaml("", "\n".join(lines)), where, "YAML")
    # Of a list of lines, no line is `names:`.
    match = _NAMES.search(text)
    if match:
        return _by_id(_yaml(match.group(2).strip(), text[match.end() :]), where, "YAML")
    return None


def _python(text: str) -> object:
    """The dict that `text` shows; None where it shows none."""
    if len(text) > _MOST_PYTHON:
        return None
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None


def _by_id(names: Union[Sequence[str], Mapping[int, str]], where: str, what: str) -> Tuple[str, ...]:
    found = names if isinstance(names, Mapping) else dict(enumerate(names))
    if not found:
        raise InputError(f"{where}: {what} without class names; write one class name a line")
    greatest = max(found)
    if min(found) < 0 or greatest >= MOST_CLASSES:
        raise InputError(f"{where}: {what} with class number {greatest if greatest >= MOST_CLASSES else min(found)}")
    return tuple(found.get(number, f"class {number}") for number in range(greatest + 1))


def _label_map(text: str) -> Dict[int, str]:
    names: Dict[int, str] = {}
    fields: Dict[str, str] = {}
    depth = 0
    for match in _PBTXT_FIELD.finditer(re.sub(rf"({_QUOTED})|#[^\n]*", r"\1", text)):
        key, value, bracket = match.groups()
        if bracket in ("{", "<"):
            depth += 1
            if depth == 1:
                fields = {}
        elif bracket:
            depth -= 1
            name = fields.get("display_name") or fields.get("name")
            # Id 0 stands for the background, which class ids do not count.
            if depth == 0 and name and fields.get("id", "").isdecimal() and len(fields["id"]) < 10 and int(fields["id"]):
                names[int(fields["id"]) - 1] = name
        elif depth == 1:
            fields[key] = _proto_text(value)
    return names


def _json(content: object) -> Union[List[str], Dict[int, str]]:
    if isinstance(content, dict):
        content = content.get("names", content.get("id2label", content))
    if isinstance(content, (list, tuple)) and all(isinstance(name, str) for name in content):
        return list(content)
    if isinstance(content, dict):
        if all(_is_id(str(key)) and isinstance(name, str) for key, name in content.items()):
            return {int(key): name for key, name in content.items()}
        if all(isinstance(key, str) and type(number) is int for key, number in content.items()):
            return {number: key for key, number in content.items()}
    return []


def _yaml(first: str, rest: str) -> Union[List[str], Dict[int, str]]:
    if first[:1] in ("[", "{"):
        return _flow(first[1:] + rest)
    names: List[str] = []
    numbered: Dict[int, str] = {}
    for line in _content(rest):
        dash, pair = _DASH.fullmatch(line), _NUMBERED.fullmatch(line)
        if pair and _is_id(pair.group(1)):
            numbered[int(pair.group(1))] = _scalar(pair.group(2))
        elif dash:
            names.append(_scalar(dash.group(1)))
        else:
            break
    return numbered or names


def _flow(text: str) -> Union[List[str], Dict[int, str]]:
    """The items of `[cat, 'a dog']` or `{0: cat}` behind the opening bracket."""
    text = re.sub(rf"({_QUOTED})|\s#[^\n]*", r"\1", text)
    names: List[str] = []
    numbered: Dict[int, str] = {}
    at = 0
    while True:
        match = _FLOW_ITEM.match(text, at)
        if match is None:
            break
        if match.group(1) and _is_id(match.group(1)):
            numbered[int(match.group(1))] = _unquoted(match.group(2).strip())
        else:
            names.append(_unquoted(match.group(2).strip()))
        if text[match.end() : match.end() + 1] != ",":
            break
        at = match.end() + 1
    return numbered or names


def _content(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line


def _scalar(text: str) -> str:
    quoted = re.match(_QUOTED, text)
    return _unquoted(quoted.group() if quoted else re.sub(r"\s+#.*", "", text).strip())


def _unquoted(text: str) -> str:
    if text[:1] == "'" and text[-1:] == "'" and len(text) > 1:
        return text[1:-1].replace("''", "'").replace("\\'", "'")
    if text[:1] == '"' and text[-1:] == '"' and len(text) > 1:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _proto_text(text: str) -> str:
    """A value of a protobuf text: letters outside ASCII may be escaped there as the octal numbers of their UTF-8 bytes."""
    if text[:1] not in ("'", '"') or "\\" not in text:
        return _unquoted(text)
    data = re.sub(rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|(.))", _unescaped, text[1:-1].encode("utf-8"))
    return data.decode("utf-8", "replace")


def _unescaped(match: Match[bytes]) -> bytes:
    octal, hexadecimal, mark = match.groups()
    if mark is not None:
        return {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(mark, mark)
    return bytes([int(octal, 8) & 255 if octal is not None else int(hexadecimal, 16)])


def _is_id(text: str) -> bool:
    return text.isdecimal() and len(text) < 10
