from __future__ import annotations

import os
from pathlib import Path

import pytest

from train.dataset.examples import content


def files(folder: Path, *contents: bytes) -> list[Path]:
    paths = [folder / str(number) for number in range(len(contents))]
    for path, data in zip(paths, contents):
        path.write_bytes(data)
    return paths


def test_files_with_the_same_bytes(tmp_path):
    paths = files(tmp_path, b"one", b"two", b"one", b"three", b"two", b"one", b"")
    assert list(content.identical([*paths, tmp_path / "missing", tmp_path / "missing"])) == [[0, 2, 5], [1, 4]]


@pytest.mark.parametrize("at", [0, 20_000, 99_999])
def test_large_files_that_differ_in_a_byte(tmp_path, at):
    data = os.urandom(100_000)
    changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    assert list(content.identical(files(tmp_path, data, changed, data))) == [[0, 2]]


def test_only_files_of_one_size_are_read(tmp_path, monkeypatch):
    read = []
    for name in ("_end", "whole_hash"):
        hash = getattr(content, name)
        monkeypatch.setattr(content, name, lambda path, name=name, hash=hash: read.append((name, path.name)) or hash(path))
    paths = files(tmp_path, b"a", b"bb", b"ccc", b"ddd", b"eeee", b"eeee")
    os.link(paths[1], tmp_path / "link")
    assert list(content.identical([*paths, tmp_path / "link", paths[0]])) == [[0, 7], [1, 6], [4, 5]]
    assert sorted(read) == [("_end", str(i)) for i in (2, 3, 4, 5)] + [("whole_hash", str(i)) for i in (4, 5)]


def test_sampled_hashes_depend_on_the_size_and_not_on_the_name(tmp_path):
    one, two, three, four = files(tmp_path, bytes(30_000), bytes(30_001), bytes(30_000), b"")
    hashes = [content.sampled_hash(path) for path in (one, two, three, four)]
    assert hashes[0] == hashes[2] and len(set(hashes)) == 3
