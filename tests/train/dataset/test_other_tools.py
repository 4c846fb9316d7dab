"""Formats that are not read are named, with what to do."""

from __future__ import annotations

import pytest

from runtime.common.errors import InputError
from tests.support import format_samples as make
from tests.support.tool_exports.benchmarks import UNREAD
from train import open_dataset
from train.dataset import other_tools


@pytest.mark.parametrize("tool", UNREAD)
def test_formats_that_are_not_read_are_named(tmp_path, tool):
    UNREAD[tool](tmp_path)
    with pytest.raises(InputError, match=rf"\.txt: has the lines of {tool} .*, which are not read: (convert|save) ") as error:
        open_dataset(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("line", ["0 0.5 0.5 0.2 0.2", "0,0.5,0.5,0.2,0.2", "0,10,20,30,40", "0,1,2,3,4,5", "a.jpg 1,2,3,4,0", "notes"])
def test_other_text_is_none_of_them(tmp_path, line):
    make.write("pascal_voc", tmp_path / "data", make.samples(2))
    (tmp_path / "data/a.txt").write_text(f"{line}\n" * 2)
    assert other_tools.advice(tmp_path / "data") == ""
