"""Aligned text."""

from __future__ import annotations

from runtime.common.tables import aligned, columns


def test_columns_are_aligned():
    rows = [("name", "ms", "what"), ("a", 1.5, "x"), ("long name", 12, "")]
    assert columns(rows) == "name        ms  what\na          1.5     x\nlong name   12"
    assert columns(rows, left=(0, 2)).split("\n")[1] == "a          1.5  x"


def test_a_long_last_cell_has_no_effect():
    rows = [("a", "a very long text about it"), ("bcd", "e", "f")]
    assert aligned(rows) == "  a    a very long text about it\n  bcd  e  f"
    assert aligned([], indent="") == columns([]) == ""
