from __future__ import annotations

import tempfile

import pytest

from convert.export import output_folder
from runtime.common.errors import InputError


def test_a_folder_that_is_not_there_yet_is_not_made(tmp_path):
    output_folder.check(tmp_path / "run/export")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "run").touch()
    with pytest.raises(InputError, match=r"export: .*run is a file; .* --out"):
        output_folder.check(tmp_path / "run/export")


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_converted(tmp_path, monkeypatch):
    def refuse(dir):
        assert dir == tmp_path
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(InputError, match=r"export: cannot be written: Read-only file system; .* --out"):
        output_folder.check(tmp_path / "export")
