from __future__ import annotations

import os
import stat
import threading

import pytest

from runtime.common import files
from runtime.common.files import atomic_path


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_written_into_and_stays_one(tmp_path):
    """As /dev/null must: root, whom nothing hinders, would put a file in its place."""
    pipe, got = tmp_path / "pipe.txt", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    with atomic_path(pipe) as temporary:
        assert temporary.suffix == ".txt"
        temporary.write_bytes(b"all of it")
    reader.join(60)
    assert got == [b"all of it"] and stat.S_ISFIFO(pipe.stat().st_mode) and [*tmp_path.iterdir()] == [pipe]
    with pytest.raises(ZeroDivisionError), atomic_path(pipe):
        raise ZeroDivisionError
    assert stat.S_ISFIFO(pipe.stat().st_mode)
