"""Reading of untrusted tables: encodings, separators, and limits."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from typing import TextIO

from runtime.common.errors import InputError
from train.dataset.examples.image_files import File

# A line has about a hundred characters, one with a polygon some thousand; a longer one is not from a table of boxes.
_MAX_LINE = 1 << 16

_PEEK_BYTES = 1 << 16
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

# A comma is the separator only where no other one is: decimal commas are written between semicolons.
_SEPARATORS = ";\t|"
_FEWEST = 3


class Lines:
    """The lines of a table, as lists of cells without surrounding spaces, and the separator between these.

    Iteration yields (number of the line, cells) of each line that is not empty. It raises InputError if the file
    cannot be read, is not text or not CSV, or has a line that no table of boxes has.
    """

    def __init__(self, file: File) -> None:
        self._file = file
        self._encoding, text = _beginning(file)
        self.separator = _separator(text)

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        name, number = self._file.name, 1
        try:
            with self._file.path.open(encoding=self._encoding, newline="") as opened:
                reader = csv.reader(_short_lines(opened), delimiter=self.separator, strict=True)
                for cells in reader:
                    cells = [cell.strip() for cell in cells]
                    if any(cells) and not (number == 1 and cells[0].startswith("sep=")):
                        yield reader.line_num, cells
                    number = reader.line_num + 1
        except OSError as error:
            raise InputError(f"{name}: cannot be read: {error.strerror}") from error
        except UnicodeError as error:
            raise InputError(f"{name}: not {self._encoding.upper().removesuffix('-SIG')} text ({error}); save it as UTF-8") from error
        except (csv.Error, ValueError) as error:
            raise InputError(f"{name}: line {number}: not CSV ({error})") from error

    def first(self, count: int) -> list[list[str]]:
        """Returns the cells of up to `count` lines; fewer where the rest cannot be read, which a full reading reports."""
        found: list[list[str]] = []
        try:
            for _, cells in self:
                found.append(cells)
                if len(found) == count:
                    break
        except InputError:
            pass
        return found


def _beginning(file: File) -> tuple[str, str]:
    """Returns the encoding of a table and the text at its beginning, empty if it cannot be read."""
    try:
        with file.path.open("rb") as opened:
            data = opened.read(_PEEK_BYTES)
    except OSError:
        return "utf-8", ""
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark)), "utf-8")
    return encoding, data.decode(encoding, errors="replace")


def _separator(text: str) -> str:
    line = next((line for line in text.splitlines() if line.strip() and not line.startswith("sep=")), "")
    plain = "".join(line.split('"')[::2])
    return next((mark for mark in _SEPARATORS if plain.count(mark) >= _FEWEST), ",")


def _short_lines(file: TextIO) -> Iterator[str]:
    while line := file.readline(_MAX_LINE):
        if len(line) == _MAX_LINE:
            raise ValueError(f"a line of more than {_MAX_LINE} characters")
        if "\0" in line:
            raise ValueError("a zero byte")
        yield line
