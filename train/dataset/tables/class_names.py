"""Names of the classes that a table only has as numbers, or as the codes of Open Images."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.examples import label_map
from train.dataset.examples.image_files import File
from train.files import untrusted_bytes

_MAX_BYTES = 16 << 20

_CODE = re.compile(r"/[a-z]/[\w-]+")
_FILE = re.compile(r"(?:obj|class(?:es)?|labels?|categor(?:y|ies)|names|(?:class|label|category)[-_ ]?(?:names|list|map|ids?))", re.I)
_SUFFIXES = (".txt", ".names", ".csv", ".pbtxt", ".tsv")
# `cat,0`, `0: cat`, `0 cat`
_NAMED = re.compile(r"(?P<id>\d{1,9})\s*[,;:\t ]\s*(?P<name>\S.*)|(?P<name2>\S.*?)\s*[,;:\t]\s*(?P<id2>\d{1,9})")


def names(labels: Collection[str], files: Iterable[File]) -> tuple[dict[str, str], Optional[File]]:
    """Returns the class name of each label that is only a number or a code, and the file that has the names.

    Both are empty if the labels are names, or if none of `files` names all of them. Raises InputError if a label map
    cannot be read.
    """
    for file in files if labels else ():
        if all(map(_CODE.fullmatch, labels)):
            found = _codes(file) if file.suffix == ".csv" and "description" in file.name.name.lower() else {}
        elif are_numbers(labels) and file.suffix in _SUFFIXES and _FILE.search(file.name.stem):
            found = _numbers(file, labels)
        else:
            continue
        if all(label in found for label in labels):
            return {label: found[label] for label in labels}, file
    return {}, None


def are_numbers(labels: Collection[str]) -> bool:
    """Returns True if the labels are whole numbers."""
    return bool(labels) and all(label.isdecimal() for label in labels)


def _codes(file: File) -> dict[str, str]:
    """Returns the names of Open Images' class-descriptions-boxable.csv, `/m/011k07,Tortoise`."""
    rows = (line.split(",", 1) for line in _lines(file))
    return {row[0].strip(): row[1].strip().strip('"') for row in rows if len(row) == 2 and row[1].strip()}


def _numbers(file: File, labels: Collection[str]) -> dict[str, str]:
    if file.suffix == ".pbtxt":
        return {str(id): item.label for id, item in label_map.read(file.path, str(file.name)).items()}
    lines = [line for line in _lines(file) if not line.startswith("#")]
    if any(len(re.findall(r"[,;\t]\s*-?\d", line)) > 2 for line in lines):
        # A table of boxes.
        return {}
    matches = [_NAMED.fullmatch(line) for line in lines]
    if any(matches):
        # A header, if there is one, matches nothing.
        return {str(int(m["id"] or m["id2"])): (m["name"] or m["name2"]).strip() for m in matches if m}
    # One name a line counts from 0, unless the numbers in the table run from 1 to the last.
    first = 1 if max(map(int, labels)) == len(lines) and min(map(int, labels)) > 0 else 0
    return {str(number): line for number, line in enumerate(lines, first)}


def _lines(file: File) -> list[str]:
    try:
        text = untrusted_bytes.read_text(file.path, str(file.name), _MAX_BYTES, "a list of class names")
    except InputError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()]
