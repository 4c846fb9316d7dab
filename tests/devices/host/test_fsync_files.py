"""Files that are flushed: what is said where that fails."""

from __future__ import annotations

import pytest

from devices.host import fsync_files
from runtime.common.errors import KitError


def test_a_full_disk_is_named_with_the_file_and_the_old_one_stays(tmp_path, monkeypatch):
    path = tmp_path / "state.json"
    fsync_files.write(path, b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fsync_files.os, "fsync", full)
    with pytest.raises(KitError, match=r"state\.json: No space left on device; make room, what was there stays"), fsync_files.as_kit_errors():
        fsync_files.write(path, b"new")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("state.json", b"old")]
