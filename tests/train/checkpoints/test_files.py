"""Files of checkpoints: a complete checkpoint exists at every instant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from train.checkpoints import files

DATA = "data-00000-of-00001"


class Killed(BaseException):
    """Stands for the end of the process."""


def written(folder: Path, text: str) -> str:
    """A checkpoint as TensorFlow would write it, in a folder of its own: two files with `text` in them."""
    home = folder / ".ckpt-new"
    home.mkdir(parents=True)
    for ending in (DATA, "index"):
        (home / f"ckpt.{ending}").write_text(text)
    return str(home / "ckpt")


def put(folder: Path, number: int, text: str, **options) -> None:
    prefix = written(folder, text)
    files.put(folder, prefix, number, **options)
    Path(prefix).parent.rmdir()


def content(folder: Path) -> str | None:
    """What the checkpoint that counts holds; fails where it is not whole."""
    prefix = files.newest(folder)
    if prefix is None:
        return None
    texts = {Path(f"{prefix}.{ending}").read_text() for ending in (DATA, "index", "json")}
    assert len(texts) == 1
    return texts.pop()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_replaces_the_others(tmp_path):
    assert files.newest(tmp_path / "none") is None and files.next_number(tmp_path) == 0
    put(tmp_path, 9, "a", metadata="a", update_state=True)
    assert files.next_number(tmp_path) == 10
    put(tmp_path, 10, "b", metadata="b", update_state=True)
    assert names(tmp_path) == ["checkpoint", f"ckpt-10.{DATA}", "ckpt-10.index", "ckpt-10.json"]
    assert content(tmp_path) == "b"
    assert (tmp_path / "checkpoint").read_text() == 'model_checkpoint_path: "ckpt-10"\n'


def test_a_process_killed_at_any_time_leaves_a_complete_checkpoint(tmp_path, monkeypatch):
    calls = []

    def counted(function):
        def call(*args, **kwargs):
            if len(calls) == allowed:
                raise Killed
            calls.append(function)
            return function(*args, **kwargs)

        return call

    allowed = -1
    for name in ("replace", "unlink", "fsync"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    seen, ended = [], False
    while not ended:
        allowed += 1
        folder = tmp_path / str(allowed)
        calls.clear()
        allowed, wanted = 1 << 30, allowed
        put(folder, 1, "old", metadata="old", update_state=True)
        calls.clear()
        allowed = wanted
        prefix = written(folder, "new")
        try:
            files.put(folder, prefix, 2, metadata="new", update_state=True)
            ended = True
        except Killed:
            pass
        allowed = 1 << 30
        seen.append(content(folder))
        files.sweep(folder)
        assert content(folder) == seen[-1]
        assert not [name for name in names(folder) if name.startswith(".ckpt")]
        number = 1 if seen[-1] == "old" else 2
        assert [name for name in names(folder) if name.startswith("ckpt")] == [
            f"ckpt-{number}.{ending}" for ending in (DATA, "index", "json")
        ]
        allowed = wanted
    assert len(seen) > 8 and seen[0] == "old" and seen[-1] == "new"
    assert seen == sorted(seen, reverse=True), "the new one, once it counts, goes on counting"


def test_an_index_without_its_data_does_not_count(tmp_path):
    put(tmp_path, 3, "a", metadata="a")
    (tmp_path / "ckpt-4.index").write_text("b")
    assert content(tmp_path) == "a"
    files.sweep(tmp_path)
    assert names(tmp_path) == [f"ckpt-3.{DATA}", "ckpt-3.index", "ckpt-3.json"]


def test_sweeping_leaves_what_is_not_a_checkpoints(tmp_path):
    files.sweep(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / f"ckpt-1.{DATA}").write_text("lost")
    files.sweep(tmp_path)
    assert names(tmp_path) == ["notes.txt"]


@pytest.mark.parametrize("ending", ["index", DATA])
def test_a_failed_move_leaves_the_old_checkpoint(ending, tmp_path):
    put(tmp_path, 1, "old", metadata="old")
    prefix = written(tmp_path, "new")
    Path(f"{prefix}.{ending}").unlink()
    with pytest.raises(FileNotFoundError):
        files.put(tmp_path, prefix, 2, metadata="new")
    assert content(tmp_path) == "old"
