from __future__ import annotations

from pathlib import Path

from train.dataset.examples.image_files import File
from train.dataset.tools import json_files


def file(path: Path, data: bytes) -> File:
    path.write_bytes(data)
    return File(path, Path(path.name))


def test_keys_at_both_ends(tmp_path):
    data = b'{"first": 1, "text": "a: b", "x": "' + b"A" * (1 << 20) + b'", "last" : {"inner": [1]}}'
    assert json_files.keys(file(tmp_path / "a.json", data)) == {"first", "text", "x", "last", "inner"}
    assert json_files.keys(file(tmp_path / "a.txt", data)) == frozenset()
    assert json_files.keys(file(tmp_path / "b.json", b"\xff\x00{")) == frozenset()


def test_a_file_that_changed_is_looked_at_again(tmp_path):
    path = tmp_path / "a.json"
    assert json_files.keys(file(path, b'{"one": 1}')) == {"one"}
    assert json_files.keys(file(path, b'{"other": 12}')) == {"other"}


def test_names_of_images(tmp_path):
    data = b'{"a": "x/y/one.jpg", "b": "C:\\\\two.PNG", "c": "s3://b/three.jpeg?x=1", "d": "?d=four%20a.jpg", "e": "no.txt"}'
    assert json_files.image_names(file(tmp_path / "a.json", data)) == {"one.jpg", "two.PNG", "three.jpeg", "four%20a.jpg", "four a.jpg"}


def test_names_across_the_parts_that_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(json_files, "_CHUNK", 7)
    assert json_files.image_names(file(tmp_path / "a.json", b'{"a": "x/a_long_name.jpg", "b": "other.jpg"}')) >= {"a_long_name.jpg", "other.jpg"}
