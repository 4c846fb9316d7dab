from __future__ import annotations

import os

import pytest

from runtime.common import files


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_new_files_have_the_usual_permissions_and_nobody_sees_another_umask(tmp_path, umask, monkeypatch):
    def fail(mask):
        raise AssertionError("the umask of the whole process is changed")

    monkeypatch.setattr(os, "umask", fail)
    path = tmp_path / "a" / "x.txt"
    with files.atomic_path(path) as temporary:
        assert temporary.suffix == ".txt" and temporary.stat().st_mode & 0o777 == 0o600
        temporary.write_text("new")
        assert not path.exists()
    assert path.stat().st_mode & 0o777 == 0o640
    with files.atomic_path(path, 0o604) as temporary:
        temporary.write_text("newer")
    assert path.stat().st_mode & 0o777 == 0o604 and path.read_text() == "newer"
    monkeypatch.undo()


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), files.atomic_path(path) as temporary:
        temporary.write_text(str(1 / 0))
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["x.txt"]
