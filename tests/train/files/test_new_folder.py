"""Folders that appear once they are complete."""

from __future__ import annotations

import os

import pytest

from train.files.new_folder import new_folder


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_a_folder_has_the_usual_permissions_and_nobody_sees_another_umask(tmp_path, umask, monkeypatch):
    def fail(mask):
        raise AssertionError("the umask of the whole process is changed")

    with monkeypatch.context() as watched:
        watched.setattr(os, "umask", fail)
        with new_folder(tmp_path / "out") as temporary:
            assert temporary.parent == tmp_path and not (tmp_path / "out").exists()
            (temporary / "x").write_text("x")
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "out"):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())
